#include "security_headers.hpp"

#include "config.hpp"

namespace tokpay {

std::string security_headers(const Config &config) {
	std::string lines = "X-Content-Type-Options: nosniff\r\n"
						"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
						"Referrer-Policy: no-referrer\r\n"
						"X-Frame-Options: DENY\r\n";
	if (config.public_url.starts_with("https://"))
		lines += "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n";
	return lines;
}

} // namespace tokpay
