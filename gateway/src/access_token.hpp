// What an access token of the configured issuer allows (RFC 9068).
#pragma once

#include "jwt.hpp"

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

// Clocks differ by so much at most.
constexpr int64_t max_clock_skew_s = 60;

// Checks everything but the signature: typ, iss, aud, exp, nbf, iat, sub and scope, at a time in
// seconds since 1970. Nothing, and why, where the token is not for us or not now. Of the scopes
// read and transfer count; money is created and accounts are managed with API keys only.
std::optional<AccessToken> read_access_token(
	const jose::Token &token, const TokenRules &rules, int64_t now, std::string *why);

// The owner of an account as one text: the issuer, a space, the subject. An issuer is a URL and has
// no space in it, so that no two pairs have the same text.
std::string owner_text(std::string_view issuer, std::string_view subject);

} // namespace tokpay
