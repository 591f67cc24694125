#include "options.hpp"

#include "measure/command_line.hpp"

#include <stdexcept>

namespace tokpay::bench {

namespace {

const std::map<std::string_view, Member<Options>> members = {
	{"--load", &Options::load},
	{"--pattern", &Options::pattern},
	{"--hot-percent", &Options::hot_percent},
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
	Options options = read_command_line<Options>(members, argc, argv);
	check(options);
	return options;
}

} // namespace tokpay::bench
