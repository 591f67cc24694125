// A provider people sign in with: the authorization code flow of OpenID Connect, with PKCE.
#pragma once

#include "id_token.hpp"
#include "issuer.hpp"

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
	boost::asio::awaitable<Result<Identity>> redeem(std::string code, const SignInSecrets &secrets,
		const std::string &redirect_uri, KeyRing::Clock::time_point deadline);

	// Where to send the browser so that the provider forgets it, too; empty where there is nothing
	// of the kind.
	boost::asio::awaitable<std::string> end_session_url(const std::string &return_uri);

private:
	// Of the provider, kept for so long.
	static constexpr std::chrono::minutes document_kept_for{5};

	boost::asio::awaitable<bool> have_document();
	std::string endpoint(const char *name) const;
	boost::asio::awaitable<bool> ask_userinfo(const std::string &token, Identity &identity);
	Problem unavailable(const std::string &why) const;

	const ProviderConfig &config_;
	Issuer issuer_;
	std::optional<json::Document> document_; // of its discovery
	KeyRing::Clock::time_point fetched_;
};

} // namespace tokpay
