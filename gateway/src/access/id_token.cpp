#include "access/id_token.hpp"

#include "access/digest.hpp"

namespace tokpay {

std::optional<Identity> read_id_token(
	const jose::Token &token, const IdTokenRules &rules, int64_t now, std::string *why) {
	const auto no = [&](const char *reason) {
		*why = reason;
		return std::nullopt;
	};
	const json::Document &claims = token.claims;
	if (string_claim(claims, "iss") != rules.issuer)
		return no("it is of another issuer (iss)");
	if (!is_for(claims, rules.client_id))
		return no("it is for somebody else (aud)");
	const auto authorized_party = string_claim(claims, "azp");
	if (authorized_party ? *authorized_party != rules.client_id : audience_count(claims) > 1)
		return no("it was given to somebody else (azp)");
	if (!valid_until(claims, now, why))
		return std::nullopt;
	if (!same(string_claim(claims, "nonce").value_or(""), rules.nonce))
		return no("it is the answer to another sign-in (nonce)");
	if (!owner_claim(claims, rules.issuer, why))
		return std::nullopt;
	Identity identity{.subject = std::string(*string_claim(claims, "sub"))};
	read_description(claims, identity);
	return identity;
}

void read_description(const json::Document &claims, Identity &identity) {
	identity.email = string_claim(claims, "email").value_or("");
	identity.email_verified = boolean_claim(claims, "email_verified").value_or(false);
	identity.name = string_claim(claims, "name").value_or("");
}

} // namespace tokpay
