#include "settings.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

namespace tokpay {

namespace {

constexpr std::string_view prefix = "TOKPAY_GATEWAY_";
constexpr std::string_view secret_suffix = "-file";
constexpr size_t max_secret_bytes = 65536;

std::string_view trimmed(std::string_view text) {
	constexpr const char *blank = " \t\r\n";
	const size_t begin = text.find_first_not_of(blank);
	if (begin == std::string_view::npos)
		return {};
	return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// admin-listen as ADMIN_LISTEN.
std::string variable_of(std::string_view name) {
	std::string variable(name);
	std::ranges::transform(variable, variable.begin(),
		[](char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
	return variable;
}

} // namespace

Settings::Settings(const std::vector<SettingInfo> &known, const std::vector<std::string> &arguments,
	char **environment)
	: known_(known) {
	// What came first stays.
	read_flags(arguments);
	read_environment(environment);
	if (const auto config = values_.find("config"); config != values_.end())
		read_file(config->second.text);
	read_secret_files();
}

const SettingInfo *Settings::find(std::string_view name) const {
	const auto found = std::ranges::find(known_, name, &SettingInfo::name);
	if (found != known_.end())
		return &*found;
	if (name.ends_with(secret_suffix)) {
		name.remove_suffix(secret_suffix.size());
		const auto secret = std::ranges::find(known_, name, &SettingInfo::name);
		if (secret != known_.end() && secret->is_secret)
			return &*secret;
	}
	return nullptr;
}

void Settings::add(std::string_view name, std::string text, std::string origin) {
	values_.try_emplace(std::string(name), Value{std::move(text), std::move(origin)});
}

void Settings::read_flags(const std::vector<std::string> &arguments) {
	for (size_t i = 0; i < arguments.size(); i++) {
		const std::string_view argument = arguments[i];
		if (!argument.starts_with("--"))
			throw SettingError("\"" + arguments[i] + "\" is no flag; --help lists them");
		const size_t equals = argument.find('=');
		const std::string_view name = argument.substr(2, equals - 2);
		const SettingInfo *info = find(name);
		if (info == nullptr)
			throw SettingError("there is no flag --" + std::string(name) + "; --help lists them");
		if (info->is_secret && name == info->name)
			throw SettingError("flag --" + std::string(name) +
							   ": everybody on this machine could read it; give --" +
							   std::string(name) +
							   "-file, or set it in the file or the environment");
		std::string text;
		if (equals != std::string_view::npos)
			text = argument.substr(equals + 1);
		else if (++i < arguments.size())
			text = arguments[i];
		else
			throw SettingError("flag --" + std::string(name) + " needs a value");
		if (has(name))
			throw SettingError("flag --" + std::string(name) + " comes twice");
		add(name, std::move(text), "flag --" + std::string(name));
	}
}

void Settings::read_environment(char **environment) {
	for (char **variable = environment; *variable != nullptr; variable++) {
		const std::string_view text = *variable;
		const std::string_view name = text.substr(0, text.find('='));
		std::optional<std::string> setting;
		for (const SettingInfo &info : known_) {
			const std::string plain = variable_of(info.name);
			if ((info.plain_name && name == plain) || name == std::string(prefix) + plain)
				setting = info.name;
			if (info.is_secret && name == std::string(prefix) + plain + "_FILE")
				setting = std::string(info.name).append(secret_suffix);
		}
		const std::string origin = "environment variable " + std::string(name);
		if (setting)
			add(*setting, std::string(text.substr(name.size() + 1)), origin);
		else if (name.starts_with(prefix))
			throw SettingError(origin + ": there is no such setting; --help lists them");
	}
}

void Settings::read_file(const std::string &path) {
	std::ifstream file(path);
	std::string line;
	std::map<std::string, int, std::less<>> lines;
	for (int number = 1; std::getline(file, line); number++) {
		const std::string_view text = trimmed(line);
		if (text.empty() || text.starts_with('#'))
			continue;
		const std::string origin = path + ", line " + std::to_string(number);
		const size_t equals = text.find('=');
		if (equals == std::string_view::npos)
			throw SettingError(origin + ": a line is NAME = VALUE, or begins with #");
		const std::string name(trimmed(text.substr(0, equals)));
		if (find(name) == nullptr || name == "config")
			throw SettingError(
				origin + ": there is no setting \"" + name + "\"; --help lists them");
		const auto [first, is_new] = lines.emplace(name, number);
		if (!is_new)
			throw SettingError(origin + ": " + name + " is set in line " +
							   std::to_string(first->second) + " already; remove one of them");
		add(name, std::string(trimmed(text.substr(equals + 1))), origin);
	}
	if (!file.eof())
		throw SettingError("setting config: cannot read " + path);
}

void Settings::read_secret_files() {
	for (const SettingInfo &info : known_) {
		const std::string name = std::string(info.name).append(secret_suffix);
		const auto given = values_.find(name);
		if (!info.is_secret || given == values_.end())
			continue;
		if (has(info.name))
			wrong(name, std::string(info.name) + " is set as well; remove one of them");
		std::ifstream file(given->second.text);
		std::string text{std::istreambuf_iterator<char>(file), {}};
		if (!file || text.size() > max_secret_bytes)
			wrong(name, "cannot read " + given->second.text);
		add(info.name, std::string(trimmed(text)), "file " + given->second.text);
	}
}

std::string Settings::text(std::string_view name) const {
	if (const auto value = values_.find(name); value != values_.end())
		return value->second.text;
	const SettingInfo *info = find(name);
	if (info->fallback != nullptr)
		return info->fallback;
	wrong(name, "is missing; give it in the file, in the environment or as --" + std::string(name) +
					(info->is_secret ? "-file" : ""));
}

void Settings::wrong(std::string_view name, const std::string &what) const {
	const auto value = values_.find(name);
	const std::string origin = value == values_.end() ? "" : value->second.origin + ": ";
	throw SettingError(origin + "setting " + std::string(name) + ": " + what);
}

} // namespace tokpay
