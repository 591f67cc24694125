#include "access/access_token.hpp"

#include "access/claims.hpp"

#include <algorithm>

namespace tokpay {

namespace {

// Whether a list with spaces between (RFC 6749, section 3.3) has a word.
bool has_word(std::string_view list, std::string_view word) {
	while (!list.empty()) {
		const size_t end = std::min(list.find(' '), list.size());
		if (list.substr(0, end) == word)
			return true;
		list.remove_prefix(std::min(end + 1, list.size()));
	}
	return false;
}

} // namespace

std::optional<AccessToken> read_access_token(
	const jose::Token &token, const TokenRules &rules, int64_t now, std::string *why) {
	const auto no = [&](const char *reason) {
		*why = reason;
		return std::nullopt;
	};
	const json::Document &claims = token.claims;
	if (token.type != "at+jwt" && token.type != "application/at+jwt")
		return no("it is no access token (typ)");
	if (string_claim(claims, "iss") != rules.issuer)
		return no("it is of another issuer (iss)");
	if (!is_for(claims, rules.audience))
		return no("it is for somebody else (aud)");

	const auto expires = valid_until(claims, now, why);
	if (!expires)
		return std::nullopt;
	auto owner = owner_claim(claims, rules.issuer, why);
	if (!owner)
		return std::nullopt;
	AccessToken access{.owner = std::move(*owner), .expires = *expires};
	const std::string_view scope = string_claim(claims, "scope").value_or("");
	access.read = has_word(scope, "read");
	access.transfer = has_word(scope, "transfer");
	return access;
}

} // namespace tokpay
