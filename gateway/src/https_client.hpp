// Fetches small documents of an identity provider over HTTPS.
#pragma once

#include "web_address.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>

#include <optional>
#include <string>

namespace tokpay {

// A context for it: TLS 1.2 or newer, the server's certificate checked against a file of trusted
// ones in PEM, or where that is empty against the system's. Throws
// SettingError where the file cannot be read.
boost::asio::ssl::context client_tls(const std::string &trusted_file);

// What GET answers with 200. Nothing, and why, for any other status (a redirect too), for more than
// 1 MiB, after 5 seconds, and where the certificate is not the host's. Without TLS it speaks to
// this machine only. Name look-up aside the time-out holds for all of it together.
boost::asio::awaitable<std::optional<std::string>> fetch(
	const WebAddress &address, boost::asio::ssl::context &tls, std::string *why);

} // namespace tokpay
