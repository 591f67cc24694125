#include "options.hpp"

#include <map>
#include <stdexcept>
#include <string_view>
#include <variant>

namespace tokpay::bench {

namespace {

using Member = std::variant<std::string Options::*, int64_t Options::*, double Options::*>;

const std::map<std::string_view, Member> members = {
	{"--load", &Options::load},
	{"--pattern", &Options::pattern},
	{"--database", &Options::database},
	{"--connections", &Options::connections},
	{"--threads", &Options::threads},
	{"--batch", &Options::batch},
	{"--credits", &Options::credits},
	{"--first-account", &Options::first_account},
	{"--accounts", &Options::accounts},
	{"--payer", &Options::payer},
	{"--payee", &Options::payee},
	{"--seconds", &Options::seconds},
	{"--warm-up", &Options::warm_up},
	{"--calls", &Options::calls},
	{"--seed", &Options::seed},
	{"--at", &Options::at},
	{"--at-sql", &Options::at_sql},
	{"--churn", &Options::churn},
	{"--churn-calls", &Options::churn_calls},
	{"--postmaster", &Options::postmaster},
};

void set(Options &options, const Member &member, const std::string &value) {
	if (const auto *text = std::get_if<std::string Options::*>(&member))
		options.*(*text) = value;
	else if (const auto *whole = std::get_if<int64_t Options::*>(&member))
		options.*(*whole) = std::stoll(value);
	else
		options.*std::get<double Options::*>(member) = std::stod(value);
}

void check(const Options &options) {
	if (options.connections < 1 || options.threads < 1 || options.threads > options.connections)
		throw std::invalid_argument("--threads is between 1 and --connections");
	if (options.batch < 1 || options.credits < 1 || options.accounts < 2)
		throw std::invalid_argument("--batch and --credits are at least 1, --accounts at least 2");
	if (options.accounts >= int64_t{1} << 32)
		throw std::invalid_argument("--accounts is below 2^32");
	if (options.credits > options.accounts)
		throw std::invalid_argument("--credits is at most --accounts");
}

} // namespace

Options read_options(int argc, char **argv) {
	Options options;
	for (int i = 1; i < argc; i += 2) {
		const auto found = members.find(argv[i]);
		if (found == members.end() || i + 1 == argc)
			throw std::invalid_argument(
				std::string(argv[i]) + ": no such option, or its value is missing");
		try {
			set(options, found->second, argv[i + 1]);
		} catch (const std::logic_error &) {
			throw std::invalid_argument(
				std::string(argv[i]) + " " + argv[i + 1] + ": not a number");
		}
	}
	check(options);
	return options;
}

} // namespace tokpay::bench
