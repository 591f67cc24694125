// Where settings come from: a file, environment variables and flags, which win in that order. Each
// keeps its origin, so that a fault can be told by file and line.
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay {

struct SettingInfo {
	const char *name;	  // in the file; --NAME; TOKPAY_GATEWAY_NAME in capitals
	const char *value;	  // what --help shows for a value
	const char *fallback; // nullptr: none
	const char *help;
	bool is_secret = false;	 // never a flag, which every user of the machine sees; NAME-file
	bool plain_name = false; // the variable has no prefix either: PUBLIC_URL
	bool is_list = false;	 // may have several lines, in the file as elsewhere; flags come again
};

// What is wrong and what to do about it, for the operator.
struct SettingError : std::runtime_error {
	using std::runtime_error::runtime_error;
	SettingError(const std::string &name, const std::string &what)
		: std::runtime_error("setting " + name + ": " + what), setting(name) {}

	std::string setting; // where it was set is not told yet
};

class Settings {
public:
	// Flags that take no value are not settings: the caller has taken them out of arguments.
	// Throws SettingError.
	Settings(const std::vector<SettingInfo> &known, const std::vector<std::string> &arguments,
		char **environment);

	bool has(std::string_view name) const { return values_.contains(name); }

	// The value or its fallback. Throws SettingError where there is neither.
	std::string text(std::string_view name) const;

	// The values of a list, in order; at least one.
	std::vector<std::string> texts(std::string_view name) const;

	// Where each setting is set: "gateway.conf, line 3"; of a list the first.
	std::map<std::string, std::string> origins() const;

	// A setting, or a value of a list, is wrong. what goes on after "setting NAME: "; it quotes no
	// secret.
	[[noreturn]] void wrong(std::string_view name, const std::string &what, size_t index = 0) const;

private:
	enum class Source { flags, environment, file, secret_file };
	struct Value {
		std::string text;
		std::string origin; // "gateway.conf, line 3", "environment variable X", "flag --x"
		Source source;
	};

	const SettingInfo *find(std::string_view name) const;
	void read_flags(const std::vector<std::string> &arguments);
	void read_environment(char **environment);
	void read_file(const std::string &path);
	void read_secret_files();
	void add(std::string_view name, std::string text, std::string origin, Source source);
	void add_lines(
		const SettingInfo &info, const std::string &text, const std::string &origin, Source source);

	const std::vector<SettingInfo> &known_;
	std::map<std::string, std::vector<Value>, std::less<>> values_; // one, unless it is a list
};

} // namespace tokpay
