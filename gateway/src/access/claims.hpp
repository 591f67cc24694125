// What access tokens and ID tokens have in common: claims of RFC 7519, read and checked.
#pragma once

#include "access/jwt.hpp"

#include <cstdint>

namespace tokpay {

// Clocks differ by so much at most.
constexpr int64_t max_clock_skew_s = 60;

// Nothing where the claim is missing or of another type.
std::optional<std::string_view> string_claim(const json::Document &claims, const char *name);
std::optional<bool> boolean_claim(const json::Document &claims, const char *name);

// Whether aud, a string or an array of strings (RFC 7519, section 4.1.3), names the audience.
bool is_for(const json::Document &claims, std::string_view audience);

// How many aud names.
size_t audience_count(const json::Document &claims);

// exp of a token that is valid at a time in seconds since 1970 by its exp, iat and, where there is
// one, nbf. Nothing, and why, for any other.
std::optional<int64_t> valid_until(const json::Document &claims, int64_t now, std::string *why);

// The owner of an account as one text: the issuer, a space, the subject. An issuer is a URL and has
// no space in it, so that no two pairs have the same text.
std::string owner_text(std::string_view issuer, std::string_view subject);

// The same of sub. Nothing, and why, where that names nobody or is too long for the ledger.
std::optional<std::string> owner_claim(
	const json::Document &claims, std::string_view issuer, std::string *why);

} // namespace tokpay
