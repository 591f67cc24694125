// The gateway's settings: a file, environment variables TOKPAY_GATEWAY_…, and flags, which win in
// that order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tokpay {

struct Endpoint {
	std::string host; // an IP address
	uint16_t port;
};

struct Config {
	Endpoint listen;
	Endpoint admin_listen;
	std::string database;		// libpq URI of a tokpay_teller
	std::string admin_database; // libpq URI of a tokpay_admin
	unsigned threads;
	std::chrono::milliseconds request_deadline;
	// A client has so long for a header, from the end of the request before it, for a body, and to
	// read some of an answer.
	std::chrono::milliseconds header_timeout;
	std::chrono::milliseconds body_timeout;
	std::chrono::milliseconds write_timeout;
	size_t max_connections; // of one thread
};

// Nothing where the program only printed its help. Throws std::runtime_error with a sentence for
// the operator where a setting is missing or wrong.
std::optional<Config> read_config(int argc, char **argv);

} // namespace tokpay
