// What an access token of the configured issuer allows (RFC 9068).
#pragma once

#include "access/claims.hpp"

#include <cstdint>

namespace tokpay {

// What a token has to say to be meant for us.
struct TokenRules {
	std::string issuer;	  // iss, compared as it is
	std::string audience; // has to be in aud
};

struct AccessToken {
	std::string owner;
	int64_t expires; // seconds since 1970
	bool read = false;
	bool transfer = false;
};

// Checks everything but the signature: typ, iss, aud, exp, nbf, iat, sub and scope, at a time in
// seconds since 1970. Nothing, and why, where the token is not for us or not now. Of the scopes
// read and transfer count; money is created and accounts are managed with API keys only.
std::optional<AccessToken> read_access_token(
	const jose::Token &token, const TokenRules &rules, int64_t now, std::string *why);

} // namespace tokpay
