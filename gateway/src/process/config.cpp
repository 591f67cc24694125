#include "process/config.hpp"

#include "process/help.hpp"
#include "process/open_files.hpp"
#include "process/provider_setting.hpp"
#include "process/settings.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <regex>
#include <thread>

namespace tokpay {

namespace {

constexpr unsigned max_threads = 256;
constexpr unsigned max_time_ms = 600000;
constexpr unsigned min_time_ms = 100; // in less nothing is answered
constexpr unsigned most_connections = 1000000;
// Descriptors of a thread beside those of its connections: lanes, event loops, connections that are
// turned away; and those of the process.
constexpr size_t files_of_a_thread = 96;
constexpr size_t most_members = 7; // of a cluster, whose connections are among those
constexpr size_t files_of_the_process = 64;
constexpr unsigned max_quota_requests = 1000000;
constexpr unsigned max_quota_seconds = 86400;

const std::vector<SettingInfo> known_settings = {
	{"config", "FILE", nullptr, "file with settings, a line each: NAME = VALUE"},
	{"listen", "ADDRESS:PORT", "127.0.0.1:8080", "where the API listens"},
	{"admin-listen", "ADDRESS:PORT", "127.0.0.1:9090",
		"where /livez, /readyz and /metrics are; nothing for the world"},
	{"database", "URI", nullptr,
		"libpq URI of a tokpay_teller; in a cluster a line for each machine, this one's first",
		true, false, true},
	{"admin-database", "URI", nullptr,
		"libpq URI of a tokpay_admin; as many lines, in the same order", true, false, true},
	{"patroni", "URL", nullptr,
		"Patroni's REST interface, as https://machine1:8008; as many lines, in the same order, or "
		"none: then who leads is found out from the databases alone, a little later",
		false, false, true},
	{"patroni-authorities", "FILE", nullptr,
		"authorities to check Patroni's certificates with, PEM; the system's without it"},
	{"patroni-certificate", "FILE", nullptr, "this gateway's certificate for Patroni, PEM"},
	{"patroni-key", "FILE", nullptr, "its private key, PEM"},
	{"incarnation", "N", nullptr,
		"of the ledger, that is accepted; a restore or a forced leader begins a new one, in which "
		"what was acknowledged may be missing. Read again on SIGHUP; without it the first one "
		"that is met after the start"},
	{"threads", "N", "0", "worker threads that accept connections; 0: one for two cores"},
	{"request-deadline-ms", "MS", "10000",
		"after so long a request is answered 503 (certainly not executed) or 504 (outcome "
		"unknown)"},
	{"header-timeout-ms", "MS", "60000", "for a request's header, and between requests"},
	{"body-timeout-ms", "MS", "30000", "for a request's body"},
	{"write-timeout-ms", "MS", "30000", "for a client to read some of its answer"},
	{"max-connections", "N", "20000",
		"of one thread, fewer where the limit of open files (ulimit -Hn) is lower; more are "
		"answered 503"},
	{"public-url", "URL", nullptr,
		"what the world calls this service, as https://pay.example.com; without it a service for "
		"this machine",
		false, true},
	{"trusted-proxies", "LIST", "",
		"addresses and networks, with commas between, whose X-Forwarded-For is believed, as "
		"10.0.0.0/8, ::1",
		false, true},
	{"tls-certificate", "FILE", nullptr,
		"certificate and those up to the authority, PEM; with it the API is HTTPS alone"},
	{"tls-key", "FILE", nullptr, "its private key, PEM"},
	{"issuer", "URL", nullptr,
		"issuer of access tokens (RFC 9068); without it only API keys are taken"},
	{"audience", "TEXT", nullptr, "what their aud has to name; the public URL without it"},
	{"issuer-keys", "URL", nullptr,
		"the issuer's JWK set; without it the discovery document tells where that is"},
	{"issuer-authorities", "FILE", nullptr,
		"authorities to check the issuer's certificate with, PEM; the system's without it"},
	{"provider", "NAME KEY=VALUE...", nullptr,
		"provider to sign in with (OpenID Connect), a line for each: issuer=URL client-id=TEXT "
		"secret-file=FILE label=\"TEXT\" payable-domains=LIST authorities=FILE "
		"backchannel=URL. Addresses of payable-domains (commas between, * for all) that it calls "
		"verified can be paid; backchannel is where this gateway reaches it, where that is not the "
		"issuer's address",
		false, false, true},
	{"session-idle-s", "SECONDS", "1800",
		"a browser's session ends when it is not used for so long"},
	{"session-max-s", "SECONDS", "43200", "and so long after the sign-in in any case"},
	{"wallet-currency", "CODE", "USD", "of the wallets that a first sign-in opens"},
	{"welcome-credit", "AMOUNT", "0", "minor units that such a wallet begins with, from nowhere"},
	{"write-limit", "N/SECONDS", "10/1",
		"requests that write, for each holder of access tokens or sessions"},
	{"failed-credential-limit", "N/SECONDS", "1000/60",
		"wrong credentials, for each client address"},
	{"demo-funding", "on|off", "off",
		"owners may top up their accounts with money from nowhere; for demonstrations"},
	{"web", "DIRECTORY", nullptr,
		"the built web app, whose pages are at / and /app; without it there is the API alone"},
	{"log-requests", "on|off", "off",
		"a line of JSON on standard error for every request; off: for those that fail (5xx)"},
	{"slow-request-ms", "MS", "0", "a line for every request that took so long, too; 0: none"},
};

unsigned number(const Settings &settings, const char *name, unsigned most, unsigned least = 0) {
	const std::string text = settings.text(name);
	unsigned value = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc() || end != text.data() + text.size() || value > most || value < least)
		settings.wrong(name, "expected a number from " + std::to_string(least) + " to " +
								 std::to_string(most) + ", not \"" + text + '"');
	return value;
}

std::chrono::milliseconds milliseconds(
	const Settings &settings, const char *name, unsigned least = min_time_ms) {
	return std::chrono::milliseconds(number(settings, name, max_time_ms, least));
}

// Of one thread. Each takes a descriptor.
size_t max_connections(const Settings &settings, unsigned threads) {
	const size_t wanted = number(settings, "max-connections", most_connections, 1);
	const size_t files = max_open_files();
	const size_t others =
		files_of_the_process + files_of_a_thread * (threads + 1); // and the relief
	const size_t possible = files > others ? (files - others) / threads : 0;
	if (wanted <= possible)
		return wanted;
	if (settings.has("max-connections") || possible == 0)
		settings.wrong("max-connections", std::to_string(wanted) + " connections on each of " +
											  std::to_string(threads) + " threads need " +
											  std::to_string(others + wanted * threads) +
											  " open files, and this process may have " +
											  std::to_string(files) + " (ulimit -Hn)");
	return possible;
}

// "127.0.0.1:8080" or "[::1]:8080".
Endpoint endpoint(const Settings &settings, const char *name) {
	const std::string text = settings.text(name);
	const size_t colon = text.rfind(':');
	std::string host = text.substr(0, colon);
	if (host.starts_with('[') && host.ends_with(']'))
		host = host.substr(1, host.size() - 2);
	boost::system::error_code error;
	boost::asio::ip::make_address(host, error);
	uint16_t port = 0;
	const char *end = text.data() + text.size();
	const char *begin = colon == std::string::npos ? end : text.data() + colon + 1;
	const auto parsed = std::from_chars(begin, end, port);
	if (error || parsed.ec != std::errc() || parsed.ptr != end)
		settings.wrong(name,
			"expected ADDRESS:PORT with an IP address, as 127.0.0.1:8080, not \"" + text + '"');
	return {host, port};
}

// "10/1": ten requests a second.
Quota quota(const Settings &settings, const char *name, const char *policy) {
	const std::string text = settings.text(name);
	uint32_t requests = 0;
	uint32_t seconds = 0;
	const char *end = text.data() + text.size();
	const auto first = std::from_chars(text.data(), end, requests);
	const bool has_slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
	const auto second = std::from_chars(has_slash ? first.ptr + 1 : end, end, seconds);
	if (second.ec != std::errc() || second.ptr != end || requests == 0 || seconds == 0 ||
		requests > max_quota_requests || seconds > max_quota_seconds)
		settings.wrong(name, "expected REQUESTS/SECONDS, as 10/1, not \"" + text + '"');
	return {policy, requests, std::chrono::seconds(seconds)};
}

bool is_on(const Settings &settings, const char *name) {
	const std::string text = settings.text(name);
	if (text != "on" && text != "off")
		settings.wrong(name, "expected on or off, not \"" + text + '"');
	return text == "on";
}

// A URL that speaks to the world with TLS, or to this machine.
WebAddress web_address(const Settings &settings, const char *name) {
	const std::string text = settings.text(name);
	const auto address = parse_web_address(text);
	if (!address)
		settings.wrong(name, "expected a URL, as https://example.com, not \"" + text + '"');
	if (!address->tls && !address->is_loopback())
		settings.wrong(name, "plain HTTP is for this machine only; write https://");
	return *address;
}

// HOST:PORT of a libpq URI, without the password that it may have; empty where it is none.
std::string member_name(const std::string &uri) {
	const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
		PQconninfoParse(uri.c_str(), nullptr), PQconninfoFree);
	std::string host = "localhost";
	std::string port = "5432";
	for (const PQconninfoOption *option = options.get();
		 option != nullptr && option->keyword != nullptr; option++) {
		const std::string_view keyword = option->keyword;
		const bool is_set = option->val != nullptr && *option->val != '\0';
		if (is_set && (keyword == "host" || keyword == "hostaddr"))
			host = option->val;
		if (is_set && keyword == "port")
			port = option->val;
	}
	return options ? host + ':' + port : "";
}

// The URIs, each of them one that libpq understands.
std::vector<std::string> databases(const Settings &settings, const char *name) {
	auto uris = settings.texts(name);
	if (uris.size() > most_members)
		settings.wrong(
			name, "more than " + std::to_string(most_members) + " machines", most_members);
	for (size_t i = 0; i < uris.size(); i++)
		if (member_name(uris[i]).empty())
			settings.wrong(name,
				"expected a libpq URI, as postgresql://user:password@machine1:6432/tokpay", i);
	return uris;
}

std::vector<std::string> member_names(const Settings &settings) {
	std::vector<std::string> names;
	for (const std::string &uri : databases(settings, "database"))
		names.push_back(member_name(uri));
	return names;
}

// A list beside that of the databases has as many lines.
void check_length(const Settings &settings, const char *name, size_t length, size_t wanted) {
	if (length != wanted)
		settings.wrong(name,
			"there are " + std::to_string(length) + ", and " + std::to_string(wanted) +
				" of database; each machine has one of both, in the same order",
			length - 1);
}

PatroniConfig patroni(const Settings &settings) {
	PatroniConfig patroni;
	if (!settings.has("patroni")) {
		for (const char *name : {"patroni-authorities", "patroni-certificate", "patroni-key"})
			if (settings.has(name))
				settings.wrong(name, "means nothing without patroni; set that or remove this");
		return patroni;
	}
	const auto urls = settings.texts("patroni");
	for (size_t i = 0; i < urls.size(); i++) {
		auto address = parse_web_address(urls[i]);
		if (!address || address->target != "/")
			settings.wrong("patroni",
				"expected a URL without a path, as https://machine1:8008, not \"" + urls[i] + '"',
				i);
		if (!address->tls && !address->is_loopback())
			settings.wrong("patroni", "plain HTTP is for this machine only; write https://", i);
		address->target = "/primary";
		patroni.members.push_back(std::move(*address));
	}
	if (settings.has("patroni-authorities"))
		patroni.files.authorities = settings.text("patroni-authorities");
	if (settings.has("patroni-certificate") || settings.has("patroni-key")) {
		patroni.files.certificate = settings.text("patroni-certificate");
		patroni.files.key = settings.text("patroni-key");
	}
	return patroni;
}

std::optional<int64_t> incarnation(const Settings &settings) {
	if (!settings.has("incarnation"))
		return std::nullopt;
	const std::string text = settings.text("incarnation");
	int64_t value = 0;
	const char *end = text.data() + text.size();
	const auto [after, error] = std::from_chars(text.data(), end, value);
	if (error != std::errc() || after != end || value < 1)
		settings.wrong("incarnation", "expected a number from 1, not \"" + text + '"');
	return value;
}

std::optional<TlsConfig> tls(const Settings &settings) {
	if (!settings.has("tls-certificate") && !settings.has("tls-key"))
		return std::nullopt;
	return TlsConfig{settings.text("tls-certificate"), settings.text("tls-key")};
}

std::string public_url(const Settings &settings, bool has_tls) {
	if (!settings.has("public-url"))
		return (has_tls ? "https://" : "http://") + settings.text("listen");
	const WebAddress address = web_address(settings, "public-url");
	if (address.target != "/")
		settings.wrong("public-url", "expected an origin without a path, as https://example.com");
	// As browsers write an Origin.
	std::string url = (address.tls ? "https://" : "http://") + address.host_header();
	std::ranges::transform(
		url, url.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; });
	return url;
}

std::optional<IssuerConfig> issuer(const Settings &settings, const std::string &public_url) {
	if (!settings.has("issuer")) {
		for (const char *name : {"audience", "issuer-keys", "issuer-authorities"})
			if (settings.has(name))
				settings.wrong(name, "means nothing without issuer; set that or remove this");
		return std::nullopt;
	}
	web_address(settings, "issuer");
	IssuerConfig issuer{.rules = {.issuer = settings.text("issuer"), .audience = {}}};
	if (settings.has("audience"))
		issuer.rules.audience = settings.text("audience");
	else if (settings.has("public-url"))
		issuer.rules.audience = public_url;
	else
		settings.wrong("issuer", "needs the setting audience or public-url, to tell which tokens "
								 "are for this service");
	if (settings.has("issuer-keys")) {
		web_address(settings, "issuer-keys");
		issuer.key_set_url = settings.text("issuer-keys");
	}
	if (settings.has("issuer-authorities"))
		issuer.trusted_file = settings.text("issuer-authorities");
	return issuer;
}

std::vector<ProviderConfig> providers(const Settings &settings) {
	std::vector<ProviderConfig> found;
	if (!settings.has("provider"))
		return found;
	const auto lines = settings.texts("provider");
	for (size_t i = 0; i < lines.size(); i++) {
		std::string why;
		auto provider = read_provider(lines[i], &why);
		if (provider &&
			std::ranges::find(found, provider->name, &ProviderConfig::name) != found.end())
			why = "the name " + provider->name + " comes twice";
		if (!why.empty())
			settings.wrong("provider", why, i);
		found.push_back(std::move(*provider));
	}
	return found;
}

WalletConfig wallets(const Settings &settings) {
	constexpr unsigned most_s = 90 * 86400;
	constexpr unsigned most_credit = 1000000000;
	WalletConfig wallets{
		.session_idle = std::chrono::seconds(number(settings, "session-idle-s", most_s)),
		.session_max = std::chrono::seconds(number(settings, "session-max-s", most_s)),
		.currency = settings.text("wallet-currency"),
		.welcome_credit = number(settings, "welcome-credit", most_credit)};
	for (const char *name : {"session-idle-s", "session-max-s"})
		if (settings.text(name) == "0")
			settings.wrong(name, "a session lasts a second at least");
	static const std::regex code("[A-Z][A-Z0-9]{2,11}"); // as the database checks it
	if (!std::regex_match(wallets.currency, code))
		settings.wrong(
			"wallet-currency", "expected a code as USD, not \"" + wallets.currency + '"');
	if (!settings.has("provider") && wallets.welcome_credit > 0)
		settings.wrong("welcome-credit", "means nothing without provider; set that or remove this");
	return wallets;
}

// The kernel lets one listen there.
void check_ports(const Settings &settings, const Endpoint &api, const Endpoint &admin) {
	const auto is_any = [](const Endpoint &endpoint) {
		return boost::asio::ip::make_address(endpoint.host).is_unspecified();
	};
	const bool overlap = api.host == admin.host || is_any(api) || is_any(admin);
	if (api.port == admin.port && api.port != 0 && overlap)
		settings.wrong("admin-listen", "is where the API listens (listen); choose another port");
}

// What is fit for one's own machine and for nothing else.
void check_public(const Settings &settings, const Config &config) {
	if (!settings.has("public-url")) {
		if (config.demo_funding && !boost::asio::ip::make_address(config.listen.host).is_loopback())
			settings.wrong("demo-funding",
				"money from nowhere is not for a network; listen on 127.0.0.1, or turn it off");
		return;
	}
	if (web_address(settings, "public-url").is_loopback())
		return;
	if (!config.tls && config.trusted_proxies.empty())
		settings.wrong("public-url",
			"the world would speak plain HTTP to this gateway; set tls-certificate and tls-key, or "
			"name the proxies in front that have them in trusted-proxies");
	if (config.demo_funding)
		settings.wrong("demo-funding", "money from nowhere is not for a public-url that is not of "
									   "this machine; turn it off");
	if (config.wallets.welcome_credit > 0)
		settings.wrong("welcome-credit",
			"money from nowhere is not for a public-url that is not of "
			"this machine; remove it");
	constexpr const char *demo_provider = "the demo provider signs anybody in, which is not for a "
										  "public-url that is not of this machine";
	if (config.issuer && !parse_web_address(config.issuer->rules.issuer)->tls)
		settings.wrong("issuer", demo_provider);
	for (size_t i = 0; i < config.providers.size(); i++)
		if (!parse_web_address(config.providers[i].issuer.rules.issuer)->tls)
			settings.wrong("provider", demo_provider, i);
}

} // namespace

std::optional<Config> read_config(int argc, char **argv, char **environment) {
	std::vector<std::string> arguments(argv + 1, argv + argc);
	if (std::ranges::find(arguments, "--help") != arguments.end()) {
		std::cout << help(known_settings);
		return std::nullopt;
	}
	const bool only_check = std::erase(arguments, "--check") > 0;
	const Settings settings(known_settings, arguments, environment);
	unsigned threads = number(settings, "threads", max_threads);
	if (threads == 0) // the database and the pool need the rest, and few lanes fill their calls
		threads = std::max(1u, std::thread::hardware_concurrency() / 2);
	auto proxies = TrustedProxies::parse(settings.text("trusted-proxies"));
	if (!proxies)
		settings.wrong("trusted-proxies",
			"expected addresses and networks with commas between, as 10.0.0.0/8, ::1, not \"" +
				settings.text("trusted-proxies") + '"');
	const Config config{
		.listen = endpoint(settings, "listen"),
		.admin_listen = endpoint(settings, "admin-listen"),
		.databases = databases(settings, "database"),
		.admin_databases = databases(settings, "admin-database"),
		.members = member_names(settings),
		.patroni = patroni(settings),
		.incarnation = incarnation(settings),
		.threads = threads,
		.request_deadline = milliseconds(settings, "request-deadline-ms"),
		.header_timeout = milliseconds(settings, "header-timeout-ms"),
		.body_timeout = milliseconds(settings, "body-timeout-ms"),
		.write_timeout = milliseconds(settings, "write-timeout-ms"),
		.max_connections = max_connections(settings, threads),
		.public_url = public_url(settings, settings.has("tls-certificate")),
		.trusted_proxies = std::move(*proxies),
		.tls = tls(settings),
		.issuer = issuer(settings, public_url(settings, settings.has("tls-certificate"))),
		.providers = providers(settings),
		.wallets = wallets(settings),
		.failed_credential_quota = quota(settings, "failed-credential-limit", "failed-credentials"),
		.write_quota = quota(settings, "write-limit", "writes"),
		.demo_funding = is_on(settings, "demo-funding"),
		.web = settings.has("web") ? settings.text("web") : "",
		.log_requests = is_on(settings, "log-requests"),
		.slow_request = milliseconds(settings, "slow-request-ms", 0),
		.only_check = only_check,
		.origins = settings.origins(),
	};
	check_length(settings, "admin-database", config.admin_databases.size(), config.members.size());
	if (!config.patroni.members.empty())
		check_length(settings, "patroni", config.patroni.members.size(), config.members.size());
	check_ports(settings, config.listen, config.admin_listen);
	check_public(settings, config);
	return config;
}

} // namespace tokpay
