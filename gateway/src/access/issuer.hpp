// The issuer whose access tokens are taken: fetches its keys and verifies what it has signed.
#pragma once

#include "access/access_token.hpp"
#include "access/key_ring.hpp"
#include "http/http.hpp"
#include "http/https_client.hpp"
#include "process/config.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace tokpay {

// Belongs to one thread.
class Issuer {
public:
	Issuer(boost::asio::io_context &io, const IssuerConfig &config);

	// 401 unauthenticated where the token is not good; 503 where the issuer's keys cannot be had.
	// Waits for them, at most until the deadline.
	boost::asio::awaitable<Result<AccessToken>> verify(
		std::string token, KeyRing::Clock::time_point deadline);

	// Whether the issuer has signed a token: nothing, or the problem, as of verify().
	boost::asio::awaitable<std::optional<Problem>> check_signature(
		const jose::Token &token, KeyRing::Clock::time_point deadline);

	// Its discovery document; nothing, and why, where it cannot be had.
	boost::asio::awaitable<std::optional<json::Document>> discover(std::string *why);

	// Sends a request to an address that the document names, as fetch() does.
	boost::asio::awaitable<std::optional<std::string>> ask(
		const std::string &url, const WebRequest &request, std::string *why);

	// Changes when keys have changed: what was verified before is to be verified again.
	uint64_t generation() const { return generation_; }

private:
	using Found = Result<const jose::Key *>;

	boost::asio::awaitable<Found> find_key(
		const jose::Token &token, KeyRing::Clock::time_point deadline);
	boost::asio::awaitable<void> fetch_keys();
	boost::asio::awaitable<std::optional<std::string>> fetch_key_set(std::string *why);

	boost::asio::io_context &io_;
	const IssuerConfig &config_;
	boost::asio::ssl::context tls_;
	KeyRing ring_;
	boost::asio::steady_timer answered_; // wakes those who wait for the issuer
	uint64_t generation_ = 0;
};

// What a bad credential is answered with (RFC 6750, section 3.1).
Problem invalid_token(std::string detail);

} // namespace tokpay
