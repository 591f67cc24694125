// The gateway's settings, checked.
#pragma once

#include "access/access_token.hpp"
#include "access/rate_limiter.hpp"
#include "http/client_address.hpp"
#include "http/https_client.hpp"
#include "http/web_address.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tokpay {

struct Endpoint {
	std::string host; // an IP address
	uint16_t port;
};

// Files in PEM; the certificate's has those up to the authority behind it.
struct TlsConfig {
	std::string certificate;
	std::string key;
};

// Whose access tokens are taken.
struct IssuerConfig {
	TokenRules rules;
	std::string key_set_url;  // empty: the issuer's discovery document tells
	std::string trusted_file; // authorities for the issuer's own TLS; empty: the system's
	std::optional<WebAddress> backchannel = {}; // where we reach it, in place of its own address
};

// Patroni's REST interfaces, which say who may lead.
struct PatroniConfig {
	std::vector<WebAddress> members; // one for each database; none: nobody is asked
	ClientTlsFiles files;
};

// A provider with which people sign in (OpenID Connect).
struct ProviderConfig {
	std::string name;	 // in our addresses
	std::string label;	 // for people
	IssuerConfig issuer; // its audience is our client id
	std::string client_secret;
	std::vector<std::string> payable_domains; // of addresses that it is authoritative for; *: all
};

// Sessions of browsers, and what their wallets are like.
struct WalletConfig {
	std::chrono::seconds session_idle;
	std::chrono::seconds session_max;
	std::string currency;
	int64_t welcome_credit; // minor units; 0: none
};

struct Config {
	Endpoint listen;
	Endpoint admin_listen;
	// libpq URIs, one for each member of a cluster in the same order: as a tokpay_teller, and as a
	// tokpay_admin.
	std::vector<std::string> databases;
	std::vector<std::string> admin_databases;
	std::vector<std::string> members; // what they are called: HOST:PORT
	PatroniConfig patroni;
	std::optional<int64_t> incarnation; // of the ledger, that is accepted; none: the first one met
	unsigned threads;
	std::chrono::milliseconds request_deadline;
	// A client has so long for a header, from the end of the request before it, for a body, and to
	// read some of an answer.
	std::chrono::milliseconds header_timeout;
	std::chrono::milliseconds body_timeout;
	std::chrono::milliseconds write_timeout;
	size_t max_connections; // of one thread
	std::string public_url; // what the world sees, an origin without a slash at its end
	TrustedProxies trusted_proxies;
	std::optional<TlsConfig> tls;
	std::optional<IssuerConfig> issuer;
	std::vector<ProviderConfig> providers;
	WalletConfig wallets;
	Quota failed_credential_quota; // of an address
	Quota write_quota;			   // of an owner
	bool demo_funding;			   // owners may top up their accounts with money from nowhere
	std::string web;			   // the directory of the built app; empty: no pages
	bool log_requests;			   // all of them; else those that fail
	std::chrono::milliseconds slow_request;		// those that took so long are logged, too; 0: none
	bool only_check;							// --check: do not serve
	std::map<std::string, std::string> origins; // of settings: "gateway.conf, line 3"
};

// Nothing where the program only printed its help. Throws SettingError where a setting is missing
// or wrong.
std::optional<Config> read_config(int argc, char **argv, char **environment);

} // namespace tokpay
