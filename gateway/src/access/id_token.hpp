// What an ID token tells of whoever signs in (OpenID Connect Core 1.0, section 3.1.3.7).
#pragma once

#include "access/claims.hpp"

namespace tokpay {

// What a token has to say to be the answer to one sign-in.
struct IdTokenRules {
	std::string_view issuer;	// iss, compared as it is
	std::string_view client_id; // has to be in aud; alone, or with azp saying so
	std::string_view nonce;
};

// The user of a provider, as it describes them.
struct Identity {
	std::string subject;
	std::string email; // empty: not told
	bool email_verified = false;
	std::string name; // empty: not told
};

// Checks everything but the signature: iss, aud, azp, exp, nbf, iat, nonce and sub, at a time in
// seconds since 1970. Nothing, and why, where the token is not the answer to this sign-in.
std::optional<Identity> read_id_token(
	const jose::Token &token, const IdTokenRules &rules, int64_t now, std::string *why);

// What the claims tell beside the subject; those of an ID token or of the userinfo endpoint.
void read_description(const json::Document &claims, Identity &identity);

} // namespace tokpay
