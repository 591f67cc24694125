// Addresses on the web as settings and issuers have them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tokpay {

struct WebAddress {
	bool tls;		  // https
	std::string host; // a name or an IP address, without brackets
	uint16_t port;
	std::string target; // path and query, "/" where there is none

	// Whether the host is this machine: 127.0.0.0/8, ::1 or localhost.
	bool is_loopback() const;
	std::string host_header() const;
};

// An absolute http or https URL without user information and fragment; nothing for another text.
std::optional<WebAddress> parse_web_address(std::string_view text);

} // namespace tokpay
