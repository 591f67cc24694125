#include "http/security_headers.hpp"

#include "process/config.hpp"

namespace tokpay {

namespace {

std::string common_lines(const Config &config) {
	std::string lines = "X-Content-Type-Options: nosniff\r\n"
						"X-Frame-Options: DENY\r\n";
	if (config.public_url.starts_with("https://"))
		lines += "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n";
	return lines;
}

} // namespace

std::string security_headers(const Config &config) {
	return common_lines(config) +
		   "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
		   "Referrer-Policy: no-referrer\r\n";
}

std::string page_headers(const Config &config) {
	return common_lines(config) +
		   "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
		   "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
		   "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
		   "require-trusted-types-for 'script'; trusted-types 'none'\r\n"
		   "Referrer-Policy: same-origin\r\n"
		   "Cross-Origin-Opener-Policy: same-origin\r\n"
		   "Cross-Origin-Resource-Policy: same-origin\r\n"
		   "Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), "
		   "payment=(), usb=()\r\n";
}

} // namespace tokpay
