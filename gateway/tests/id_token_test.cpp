// ID tokens: which are the answer to a sign-in, and what they tell of who signs in.
#include "access/id_token.hpp"

#include "access/base64url.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

constexpr int64_t now = 1800000000;
constexpr IdTokenRules rules{.issuer = "https://id.example", .client_id = "tokpay", .nonce = "n-1"};

// Claims by name; a text replaces the good value, an empty one leaves the claim out.
using Changes = std::vector<std::pair<std::string, std::string>>;

std::optional<Identity> read(const Changes &changes = {}) {
	std::vector<std::pair<std::string, std::string>> claims = {{"iss", "\"https://id.example\""},
		{"aud", "\"tokpay\""}, {"sub", "\"alice\""}, {"exp", std::to_string(now + 300)},
		{"iat", std::to_string(now - 5)}, {"nonce", "\"n-1\""}, {"email", "\"a@b.example\""},
		{"email_verified", "true"}, {"name", "\"Alice\""}};
	for (const auto &change : changes) {
		std::erase_if(claims, [&](const auto &claim) { return claim.first == change.first; });
		claims.push_back(change);
	}
	std::string text;
	for (const auto &[name, value] : claims)
		if (!value.empty())
			text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
	std::string why;
	const auto token = jose::parse_token(
		encode_base64url(R"({"alg":"RS256"})") + '.' + encode_base64url('{' + text + '}') + ".AAAA",
		&why);
	EXPECT_TRUE(token) << why << text;
	auto identity = read_id_token(*token, rules, now, &why);
	EXPECT_EQ(identity.has_value(), why.empty());
	return identity;
}

TEST(IdToken, TellsWhoSignsIn) {
	const auto identity = read();
	ASSERT_TRUE(identity);
	EXPECT_EQ(identity->subject, "alice");
	EXPECT_EQ(identity->email, "a@b.example");
	EXPECT_TRUE(identity->email_verified);
	EXPECT_EQ(identity->name, "Alice");
}

TEST(IdToken, VerifiedIsTrueAndNothingElse) {
	for (const char *value : {"", "false", "null", "1", "\"true\"", "[true]"}) {
		const auto identity = read({{"email_verified", value}});
		ASSERT_TRUE(identity) << value;
		EXPECT_FALSE(identity->email_verified) << value;
	}
	EXPECT_EQ(read({{"email", ""}, {"name", "1"}})->email + read({{"name", "1"}})->name, "");
}

TEST(IdToken, AnswersToSomethingElseAreRefused) {
	const std::pair<const char *, const char *> cases[] = {{"iss", ""},
		{"iss", "\"https://id.example/\""}, {"aud", ""}, {"aud", "\"other\""}, {"aud", "[]"},
		{"aud", "[\"other\"]"}, {"aud", "[\"tokpay\",\"other\"]"}, {"azp", "\"other\""},
		{"nonce", ""}, {"nonce", "\"n-2\""}, {"nonce", "1"}, {"nonce", "\"n-1 \""}, {"sub", ""},
		{"sub", "\"\""}, {"sub", "\"a\\u0000\""}, {"exp", ""}, {"iat", ""}, {"exp", "1799999940"},
		{"iat", "1800000061"}, {"nbf", "1800000061"}};
	for (const auto &[name, value] : cases)
		EXPECT_FALSE(read({{name, value}})) << name << value;
	EXPECT_FALSE(read({{"sub", '"' + std::string(240, 'a') + '"'}}));
	EXPECT_TRUE(read({{"azp", "\"tokpay\""}}));
	EXPECT_TRUE(read({{"aud", "[\"tokpay\"]"}}));
	EXPECT_TRUE(read({{"aud", "[\"tokpay\",\"other\"]"}, {"azp", "\"tokpay\""}}));
}

} // namespace

} // namespace tokpay
