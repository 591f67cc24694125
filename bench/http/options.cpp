#include "options.hpp"

#include "measure/command_line.hpp"

namespace tokpay::bench {

namespace {

const std::map<std::string_view, Member<Options>> members = {
	{"--load", &Options::load},
	{"--pattern", &Options::pattern},
	{"--path", &Options::path},
	{"--status", &Options::status},
	{"--port", &Options::port},
	{"--key-file", &Options::key_file},
	{"--connections", &Options::connections},
	{"--pipeline", &Options::pipeline},
	{"--batch", &Options::batch},
	{"--rate", &Options::rate},
	{"--beside", &Options::beside},
	{"--beside-rate", &Options::beside_rate},
	{"--beside-connections", &Options::beside_connections},
	{"--first-account", &Options::first_account},
	{"--accounts", &Options::accounts},
	{"--payer", &Options::payer},
	{"--payee", &Options::payee},
	{"--seconds", &Options::seconds},
	{"--warm-up", &Options::warm_up},
	{"--hold", &Options::hold},
	{"--seed", &Options::seed},
	{"--gateway", &Options::gateway},
	{"--pgbouncer", &Options::pgbouncer},
	{"--postgresql", &Options::postgresql},
};

void check(const Options &options) {
	if (options.connections < 1 || options.beside_connections < 1)
		throw std::invalid_argument("--connections and --beside-connections are at least 1");
	if (options.pipeline < 1 || options.batch < 1)
		throw std::invalid_argument("--pipeline and --batch are at least 1");
	if (options.accounts < 2 || options.accounts >= int64_t{1} << 32)
		throw std::invalid_argument("--accounts is at least 2 and below 2^32");
	if (options.port < 1 || options.port > 65535)
		throw std::invalid_argument("--port is not a port");
}

} // namespace

Options read_options(int argc, char **argv) {
	Options options = read_command_line<Options>(members, argc, argv);
	check(options);
	return options;
}

} // namespace tokpay::bench
