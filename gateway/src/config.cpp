#include "config.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/program_options.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace tokpay {

namespace options = boost::program_options;

namespace {

constexpr unsigned max_threads = 256;

[[noreturn]] void wrong(const std::string &name, const std::string &what) {
	throw std::runtime_error("setting " + name + ": " + what);
}

// "127.0.0.1:8080" or "[::1]:8080".
Endpoint endpoint(const std::string &name, const std::string &text) {
	const size_t colon = text.rfind(':');
	if (colon == std::string::npos)
		wrong(name, "expected ADDRESS:PORT, not \"" + text + "\"");
	std::string host = text.substr(0, colon);
	if (host.starts_with('[') && host.ends_with(']'))
		host = host.substr(1, host.size() - 2);
	boost::system::error_code error;
	boost::asio::ip::make_address(host, error);
	uint16_t port = 0;
	const char *end = text.data() + text.size();
	const auto parsed = std::from_chars(text.data() + colon + 1, end, port);
	if (error || parsed.ec != std::errc() || parsed.ptr != end)
		wrong(name, "expected ADDRESS:PORT, not \"" + text + "\"");
	return {host, port};
}

std::string required(const options::variables_map &values, const std::string &name) {
	if (values.count(name) == 0)
		wrong(name, "is missing; give it in the file, as --" + name + " or in the environment");
	return values[name].as<std::string>();
}

std::chrono::milliseconds milliseconds(
	const options::variables_map &values, const std::string &name) {
	return std::chrono::milliseconds(values[name].as<unsigned>());
}

// TOKPAY_GATEWAY_ADMIN_LISTEN is admin-listen.
std::string setting_of_variable(const std::string &variable) {
	constexpr std::string_view prefix = "TOKPAY_GATEWAY_";
	if (!variable.starts_with(prefix))
		return "";
	std::string name = variable.substr(prefix.size());
	std::ranges::transform(
		name, name.begin(), [](char c) { return c == '_' ? '-' : char(std::tolower(c)); });
	return name;
}

} // namespace

std::optional<Config> read_config(int argc, char **argv) {
	options::options_description settings("Settings, each in the file, the environment or a flag");
	settings.add_options()																  //
		("listen", options::value<std::string>()->default_value("127.0.0.1:8080"),		  //
			"address and port of the API")												  //
		("admin-listen", options::value<std::string>()->default_value("127.0.0.1:9090"),  //
			"address and port of /livez, /readyz and /metrics")							  //
		("database", options::value<std::string>(), "libpq URI of a tokpay_teller")		  //
		("admin-database", options::value<std::string>(), "libpq URI of a tokpay_admin")  //
		("threads", options::value<unsigned>()->default_value(0), "0: one for two cores") //
		("request-deadline-ms", options::value<unsigned>()->default_value(10000),		  //
			"after this a request is answered 503 or 504")								  //
		("header-timeout-ms", options::value<unsigned>()->default_value(60000),			  //
			"for a request's header, and between requests")								  //
		("body-timeout-ms", options::value<unsigned>()->default_value(30000),			  //
			"for a request's body")														  //
		("write-timeout-ms", options::value<unsigned>()->default_value(30000),			  //
			"for a client to read some of its answer")									  //
		("max-connections", options::value<size_t>()->default_value(20000),				  //
			"of one thread; more are closed at once");
	options::options_description flags("Flags");
	flags.add_options()("help", "print this")(
		"config", options::value<std::string>(), "file of settings, lines NAME = VALUE");
	flags.add(settings);

	options::variables_map values;
	options::store(options::parse_command_line(argc, argv, flags), values);
	if (values.count("help") != 0) {
		std::cout << "tokpay-gateway: the HTTP API of TokPay\n" << flags;
		return std::nullopt;
	}
	options::store(options::parse_environment(settings, setting_of_variable), values);
	if (values.count("config") != 0) {
		const std::string path = values["config"].as<std::string>();
		std::ifstream file(path);
		if (!file)
			wrong("config", "cannot read " + path);
		options::store(options::parse_config_file(file, settings), values);
	}
	options::notify(values);

	unsigned threads = values["threads"].as<unsigned>();
	if (threads > max_threads)
		wrong("threads", "at most " + std::to_string(max_threads));
	if (threads == 0) // the database and the pool need the rest, and few lanes fill their calls
		threads = std::max(1u, std::thread::hardware_concurrency() / 2);
	return Config{
		.listen = endpoint("listen", values["listen"].as<std::string>()),
		.admin_listen = endpoint("admin-listen", values["admin-listen"].as<std::string>()),
		.database = required(values, "database"),
		.admin_database = required(values, "admin-database"),
		.threads = threads,
		.request_deadline = milliseconds(values, "request-deadline-ms"),
		.header_timeout = milliseconds(values, "header-timeout-ms"),
		.body_timeout = milliseconds(values, "body-timeout-ms"),
		.write_timeout = milliseconds(values, "write-timeout-ms"),
		.max_connections = values["max-connections"].as<size_t>(),
	};
}

} // namespace tokpay
