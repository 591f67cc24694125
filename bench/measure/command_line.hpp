// Reads pairs "--name value" into the members of a struct.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace tokpay::bench {

template<class Options>
using Member = std::variant<std::string Options::*, int64_t Options::*, double Options::*>;

template<class Options>
void set_member(Options &options, const Member<Options> &member, const std::string &value) {
	if (const auto *text = std::get_if<std::string Options::*>(&member))
		options.*(*text) = value;
	else if (const auto *whole = std::get_if<int64_t Options::*>(&member))
		options.*(*whole) = std::stoll(value);
	else
		options.*std::get<double Options::*>(member) = std::stod(value);
}

// Throws std::invalid_argument where a name is not among the members, or a value is not a number.
template<class Options>
Options read_command_line(
	const std::map<std::string_view, Member<Options>> &members, int argc, char **argv) {
	Options options;
	for (int i = 1; i < argc; i += 2) {
		const auto found = members.find(argv[i]);
		if (found == members.end() || i + 1 == argc)
			throw std::invalid_argument(
				std::string(argv[i]) + ": no such option, or its value is missing");
		try {
			set_member(options, found->second, argv[i + 1]);
		} catch (const std::logic_error &) {
			throw std::invalid_argument(
				std::string(argv[i]) + " " + argv[i + 1] + ": not a number");
		}
	}
	return options;
}

} // namespace tokpay::bench
