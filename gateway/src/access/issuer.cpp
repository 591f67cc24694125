#include "access/issuer.hpp"

#include "process/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <ctime>

namespace tokpay {

namespace asio = boost::asio;
using Clock = KeyRing::Clock;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
// A name server that does not answer must not hold requests longer than this.
constexpr std::chrono::seconds max_wait{6};

Problem keys_unavailable() {
	return {.status = 503,
		.code = "overloaded",
		.detail = "The issuer's keys cannot be had at present; the request was not executed.",
		.headers = {{"Retry-After", "5"}}};
}

} // namespace

Problem invalid_token(std::string detail) {
	return {.status = 401,
		.code = "unauthenticated",
		.detail = std::move(detail),
		.headers = {{"WWW-Authenticate", "Bearer error=\"invalid_token\""}}};
}

Issuer::Issuer(asio::io_context &io, const IssuerConfig &config)
	: io_(io), config_(config), tls_(client_tls({config.trusted_file}, "issuer")), answered_(io) {}

asio::awaitable<Result<AccessToken>> Issuer::verify(std::string text, Clock::time_point deadline) {
	std::string why;
	const auto token = jose::parse_token(text, &why);
	if (!token)
		co_return invalid_token("The access token is not valid: " + why + '.');
	// The claims first: they cost less than a key, and nothing is believed before both are good.
	auto access = read_access_token(*token, config_.rules, std::time(nullptr), &why);
	if (!access)
		co_return invalid_token("The access token is not valid: " + why + '.');
	if (auto problem = co_await check_signature(*token, deadline))
		co_return std::move(*problem);
	co_return std::move(*access);
}

asio::awaitable<std::optional<Problem>> Issuer::check_signature(
	const jose::Token &token, Clock::time_point deadline) {
	const auto key = co_await find_key(token, deadline);
	if (!key)
		co_return key.error();
	if (!(*key)->verifies(token.algorithm, token.signed_text, token.signature))
		co_return invalid_token("The token is not valid: its signature is wrong.");
	co_return std::nullopt;
}

asio::awaitable<Issuer::Found> Issuer::find_key(
	const jose::Token &token, Clock::time_point deadline) {
	using Kind = KeyRing::LookUp::Kind;
	for (bool waited = false;; waited = true) {
		const auto found = ring_.find(token.algorithm, token.key_id, Clock::now());
		if (found.ask) {
			answered_.expires_after(max_wait);
			asio::co_spawn(io_, fetch_keys(), asio::detached);
		}
		if (found.kind == Kind::found)
			co_return found.key;
		if (found.kind == Kind::unknown)
			co_return invalid_token("The token is not valid: the issuer has no such key.");
		if (found.kind == Kind::unavailable || waited || Clock::now() >= deadline)
			co_return keys_unavailable();
		co_await answered_.async_wait(no_throw);
	}
}

asio::awaitable<void> Issuer::fetch_keys() {
	std::string why;
	auto text = co_await fetch_key_set(&why);
	auto keys = text ? jose::KeySet::parse(*text, &why) : std::nullopt;
	if (keys) {
		if (ring_.fetched(std::move(*keys), std::move(*text), Clock::now()))
			generation_++;
	} else {
		log_message("the keys of " + config_.rules.issuer + " cannot be had: " + why);
		ring_.failed(Clock::now());
	}
	answered_.cancel();
}

asio::awaitable<std::optional<std::string>> Issuer::fetch_key_set(std::string *why) {
	std::string url = config_.key_set_url;
	if (url.empty()) {
		const auto document = co_await discover(why);
		if (!document)
			co_return std::nullopt;
		url = string_claim(*document, "jwks_uri").value_or("");
	}
	co_return co_await ask(url, plain_get, why);
}

asio::awaitable<std::optional<std::string>> Issuer::ask(
	const std::string &url, const WebRequest &request, std::string *why) {
	auto address = parse_web_address(url);
	const auto own = parse_web_address(config_.rules.issuer);
	// A provider in the world cannot send us to a server of this machine.
	if (!address || (!address->tls && !own->is_loopback())) {
		*why = "an address that its discovery document names is not https: " + url;
		co_return std::nullopt;
	}
	WebRequest sent = request;
	if (config_.backchannel && address->host_header() == own->host_header()) {
		sent.host = own->host_header();
		std::string target = std::move(address->target);
		address = config_.backchannel;
		address->target = std::move(target);
	}
	auto text = co_await fetch(*address, tls_, why, sent);
	if (!text)
		*why = url + ": " + *why;
	co_return text;
}

// OpenID Connect Discovery 1.0, section 4.
asio::awaitable<std::optional<json::Document>> Issuer::discover(std::string *why) {
	std::string url = config_.rules.issuer;
	if (url.ends_with('/'))
		url.pop_back();
	url += "/.well-known/openid-configuration";
	const auto text = co_await ask(url, plain_get, why);
	if (!text)
		co_return std::nullopt;
	auto document = json::Document::parse(*text, why);
	if (document && (*document)[0].type != json::Type::object) {
		*why = "it is no object";
		document.reset();
	}
	if (!document) {
		*why = url + ": " + *why;
		co_return std::nullopt;
	}
	if (string_claim(*document, "issuer") != config_.rules.issuer) {
		*why = url + " speaks for another issuer";
		co_return std::nullopt;
	}
	co_return document;
}

} // namespace tokpay
