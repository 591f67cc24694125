#include "process/settings.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>

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

[[noreturn]] void refuse(const std::string &origin, const std::string &what) {
	throw SettingError(origin + ": " + what);
}

} // namespace

Settings::Settings(const std::vector<SettingInfo> &known, const std::vector<std::string> &arguments,
	char **environment)
	: known_(known) {
	// What came first stays.
	read_flags(arguments);
	read_environment(environment);
	if (const auto config = values_.find("config"); config != values_.end())
		read_file(config->second.front().text);
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

void Settings::add(std::string_view name, std::string text, std::string origin, Source source) {
	std::vector<Value> &values = values_[std::string(name)];
	if (values.empty() || values.front().source == source)
		values.push_back({std::move(text), std::move(origin), source});
}

// The lines of a list, or all of it.
void Settings::add_lines(
	const SettingInfo &info, const std::string &text, const std::string &origin, Source source) {
	if (!info.is_list)
		return add(info.name, text, origin, source);
	std::istringstream lines(text);
	std::string line;
	for (int number = 1; std::getline(lines, line); number++)
		if (const std::string_view value = trimmed(line); !value.empty())
			add(info.name, std::string(value), origin + ", line " + std::to_string(number), source);
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
		if (has(name) && !(info->is_list && name == info->name))
			throw SettingError("flag --" + std::string(name) + " comes twice");
		add(name, std::move(text), "flag --" + std::string(name), Source::flags);
	}
}

void Settings::read_environment(char **environment) {
	for (char **variable = environment; *variable != nullptr; variable++) {
		const std::string_view text = *variable;
		const std::string_view name = text.substr(0, text.find('='));
		const std::string origin = "environment variable " + std::string(name);
		bool is_known = false;
		for (const SettingInfo &info : known_) {
			const std::string plain = variable_of(info.name);
			const bool is_value =
				(info.plain_name && name == plain) || name == std::string(prefix) + plain;
			const bool is_file = info.is_secret && name == std::string(prefix) + plain + "_FILE";
			is_known |= is_value || is_file;
			const std::string value(text.substr(std::min(text.size(), name.size() + 1)));
			if (is_value)
				add_lines(info, value, origin, Source::environment);
			if (is_file)
				add(std::string(info.name).append(secret_suffix), value, origin,
					Source::environment);
		}
		if (!is_known && name.starts_with(prefix))
			refuse(origin, "there is no such setting; --help lists them");
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
			refuse(origin, "a line is NAME = VALUE, or begins with #");
		const std::string name(trimmed(text.substr(0, equals)));
		const SettingInfo *info = find(name);
		if (info == nullptr || name == "config")
			refuse(origin, "there is no setting \"" + name + "\"; --help lists them");
		const auto [first, is_new] = lines.emplace(name, number);
		if (!is_new && !(info->is_list && name == info->name))
			refuse(origin, name + " is set in line " + std::to_string(first->second) +
							   " already; remove one of them");
		add(name, std::string(trimmed(text.substr(equals + 1))), origin, Source::file);
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
		const std::string path = given->second.front().text;
		std::ifstream file(path);
		std::string text{std::istreambuf_iterator<char>(file), {}};
		if (!file || text.size() > max_secret_bytes)
			wrong(name, "cannot read " + path);
		add_lines(info, std::string(trimmed(text)), "file " + path, Source::secret_file);
	}
}

std::string Settings::text(std::string_view name) const {
	if (const auto values = values_.find(name); values != values_.end())
		return values->second.front().text;
	const SettingInfo *info = find(name);
	if (info->fallback != nullptr)
		return info->fallback;
	wrong(name, "is missing; give it in the file, in the environment or as --" + std::string(name) +
					(info->is_secret ? "-file" : ""));
}

std::vector<std::string> Settings::texts(std::string_view name) const {
	const auto values = values_.find(name);
	if (values == values_.end())
		return {text(name)};
	std::vector<std::string> found;
	for (const Value &value : values->second)
		found.push_back(value.text);
	return found;
}

std::map<std::string, std::string> Settings::origins() const {
	std::map<std::string, std::string> found;
	for (const auto &[name, values] : values_)
		found.emplace(name, values.front().origin);
	return found;
}

void Settings::wrong(std::string_view name, const std::string &what, size_t index) const {
	const auto values = values_.find(name);
	const std::string origin =
		values == values_.end() ? "" : values->second.at(index).origin + ": ";
	throw SettingError(origin + "setting " + std::string(name) + ": " + what);
}

} // namespace tokpay
