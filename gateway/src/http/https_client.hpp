// Talks to an identity provider, or to Patroni, over HTTPS.
#pragma once

#include "http/web_address.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ssl/context.hpp>

#include <optional>
#include <string>

namespace tokpay {

// Files in PEM for this side of TLS.
struct ClientTlsFiles {
	std::string authorities;	  // to check the server's certificate with; empty: the system's
	std::string certificate = {}; // of this client; empty: it has none
	std::string key = {};
};

// A context for it: TLS 1.2 or newer. Throws SettingError where a file cannot be read, about the
// settings SUBJECT-authorities, SUBJECT-certificate and SUBJECT-key.
boost::asio::ssl::context client_tls(const ClientTlsFiles &files, const std::string &subject);

// A form to be sent by POST; without one it is a GET.
struct WebRequest {
	std::string authorization = {}; // the header, where it is not empty
	std::string form = {};			// application/x-www-form-urlencoded
	std::string host = {};			// the header, where it is not the address's
};
inline const WebRequest plain_get; // a coroutine's argument has to have a name (README.md)

// What the address answers with 200. Nothing, and why, for any other status (a redirect too), for
// more than 1 MiB, after 5 seconds, and where the certificate is not the host's. Without TLS it
// speaks to this machine only. Name look-up aside the time-out holds for all of it together.
boost::asio::awaitable<std::optional<std::string>> fetch(const WebAddress &address,
	boost::asio::ssl::context &tls, std::string *why, const WebRequest &request = plain_get);

} // namespace tokpay
