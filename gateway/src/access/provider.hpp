// A provider people sign in with: the authorization code flow of OpenID Connect, with PKCE.
#pragma once

#include "access/id_token.hpp"
#include "access/issuer.hpp"

#include <boost/asio/steady_timer.hpp>

namespace tokpay {

// What belongs to one sign-in, and to the browser that has begun it.
struct SignInSecrets {
	std::string state;
	std::string nonce;
	std::string verifier; // of PKCE (RFC 7636)
};

// Belongs to one thread.
class Provider {
public:
	Provider(boost::asio::io_context &io, const ProviderConfig &config);

	const ProviderConfig &config() const { return config_; }

	// Where to send the browser. Nothing where the provider cannot be asked.
	boost::asio::awaitable<std::optional<std::string>> authorization_url(
		const SignInSecrets &secrets, const std::string &redirect_uri);

	// Whether the provider says in its answers who it is (RFC 9207).
	boost::asio::awaitable<bool> names_itself();

	// Who signed in, for the code of the answer. 400 token_invalid; 503 provider_unavailable.
	boost::asio::awaitable<Result<Identity>> redeem(const std::string &code,
		const SignInSecrets &secrets, const std::string &redirect_uri,
		KeyRing::Clock::time_point deadline);

	// Where to send the browser so that the provider forgets it, too; empty where there is nothing
	// of the kind.
	boost::asio::awaitable<std::string> end_session_url(const std::string &return_uri);

private:
	// Of the provider's document: it is asked for anew after so long, or after a failure.
	static constexpr std::chrono::minutes document_kept_for{5};
	static constexpr std::chrono::seconds pause_after_failure{10};
	static constexpr std::chrono::seconds max_wait{6};
	// Codes on their way to the provider.
	static constexpr size_t max_redeeming = 64;

	boost::asio::awaitable<bool> have_document();
	boost::asio::awaitable<Result<Identity>> ask_for_tokens(const std::string &code,
		const SignInSecrets &secrets, const std::string &redirect_uri,
		KeyRing::Clock::time_point deadline);
	std::string endpoint(const char *name) const;
	boost::asio::awaitable<bool> ask_userinfo(const std::string &token, Identity &identity);
	void log_failure(const std::string &why);
	Problem unavailable() const;

	const ProviderConfig &config_;
	Issuer issuer_;
	std::optional<json::Document> document_;			 // of its discovery
	std::optional<KeyRing::Clock::time_point> next_ask_; // none: now
	bool asking_ = false;
	boost::asio::steady_timer answered_; // wakes those who wait for the document
	size_t redeeming_ = 0;
	std::optional<KeyRing::Clock::time_point> next_log_; // none: now
};

} // namespace tokpay
