// Access tokens: whom they are for, how long they last, whom they name and what they allow.
#include "access/access_token.hpp"

#include "access/base64url.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace tokpay {

namespace {

constexpr int64_t now = 1800000000;
const TokenRules rules{.issuer = "https://id.example", .audience = "https://pay.example"};

// Claims by name; a text replaces the good value, an empty one leaves the claim out.
using Changes = std::vector<std::pair<std::string, std::string>>;

jose::Token token(const Changes &changes = {}, const std::string &type = "at+jwt") {
	std::vector<std::pair<std::string, std::string>> claims = {{"iss", "\"https://id.example\""},
		{"aud", "\"https://pay.example\""}, {"sub", "\"alice\""},
		{"exp", std::to_string(now + 300)}, {"iat", std::to_string(now - 5)},
		{"scope", "\"read transfer\""}, {"client_id", "\"app\""}, {"jti", "\"1\""}};
	for (const auto &change : changes) {
		std::erase_if(claims, [&](const auto &claim) { return claim.first == change.first; });
		claims.push_back(change);
	}
	std::string text;
	for (const auto &[name, value] : claims)
		if (!value.empty())
			text += (text.empty() ? "\"" : ",\"") + name + "\":" + value;
	std::string why;
	auto parsed = jose::parse_token(encode_base64url(R"({"alg":"RS256","typ":")" + type + "\"}") +
										'.' + encode_base64url('{' + text + '}') + ".AAAA",
		&why);
	EXPECT_TRUE(parsed) << why << text;
	return std::move(*parsed);
}

std::optional<AccessToken> read(const jose::Token &token) {
	std::string why;
	auto access = read_access_token(token, rules, now, &why);
	EXPECT_EQ(access.has_value(), why.empty());
	return access;
}

TEST(AccessToken, SaysWhoMayDoWhatUntilWhen) {
	const auto access = read(token());
	ASSERT_TRUE(access);
	EXPECT_EQ(access->owner, "https://id.example alice");
	EXPECT_EQ(access->expires, now + 300);
	EXPECT_TRUE(access->read);
	EXPECT_TRUE(access->transfer);
}

TEST(AccessToken, OnlyReadAndTransferCountAsScopes) {
	const std::tuple<const char *, bool, bool> cases[] = {{"\"read\"", true, false},
		{"\"transfer\"", false, true}, {"\"openid transfer  read\"", true, true},
		{"\"fund admin\"", false, false}, {"\"reads transfer:all READ\"", false, false},
		{"\"\"", false, false}, {"", false, false}, {"[\"read\"]", false, false},
		{"\"read\\ttransfer\"", false, false}};
	for (const auto &[scope, reads, transfers] : cases) {
		const auto access = read(token({{"scope", scope}}));
		ASSERT_TRUE(access) << scope;
		EXPECT_EQ(access->read, reads) << scope;
		EXPECT_EQ(access->transfer, transfers) << scope;
	}
}

TEST(AccessToken, TypesOfOtherTokensAreRefused) {
	EXPECT_TRUE(read(token({}, "AT+JWT")));
	EXPECT_TRUE(read(token({}, "application/at+jwt")));
	for (const char *type :
		{"", "JWT", "jwt", "id+jwt", "at+jwt ", "logout+jwt", "application/jwt"})
		EXPECT_FALSE(read(token({}, type))) << type;
}

TEST(AccessToken, ClaimsForSomebodyElseAreRefused) {
	const std::pair<const char *, const char *> cases[] = {{"iss", ""}, {"iss", "1"},
		{"iss", "\"https://id.example/\""}, {"iss", "\"https://ID.example\""},
		{"iss", "[\"https://id.example\"]"}, {"iss", "\"https://id.example\\u0000\""}, {"aud", ""},
		{"aud", "\"\""}, {"aud", "\"https://pay.example/\""}, {"aud", "[]"},
		{"aud", "[\"a\",[\"https://pay.example\"]]"}, {"aud", "{\"https://pay.example\":1}"},
		{"aud", "\"https://pay.example https://b.example\""}};
	for (const auto &[name, value] : cases)
		EXPECT_FALSE(read(token({{name, value}}))) << name << value;
	EXPECT_TRUE(read(token({{"aud", R"(["https://b.example","https://pay.example"])"}})));
}

TEST(AccessToken, TimesAreCheckedWithBoundedSkew) {
	const std::tuple<const char *, int64_t, bool> cases[] = {{"exp", 1, true}, {"exp", -59, true},
		{"exp", -60, false}, {"exp", -86400, false}, {"nbf", 60, true}, {"nbf", 61, false},
		{"nbf", -1, true}, {"iat", 60, true}, {"iat", 61, false}, {"iat", -86400, true}};
	for (const auto &[name, offset, good] : cases)
		EXPECT_EQ(read(token({{name, std::to_string(now + offset)}})).has_value(), good)
			<< name << offset;
	EXPECT_TRUE(read(token({{"exp", std::to_string(now) + ".75"}, {"nbf", "1.5e9"}})));
}

TEST(AccessToken, WhatIsNoTimeIsRefused) {
	for (const char *name : {"exp", "nbf", "iat"})
		for (const char *value : {"null", "\"1900000000\"", "true", "-1", "1e300", "-1e300", "[1]",
				 "1e999", "99999999999999999999", "9223372036854775807"})
			EXPECT_FALSE(read(token({{name, value}}))) << name << value;
	EXPECT_FALSE(read(token({{"exp", ""}})));
	EXPECT_FALSE(read(token({{"iat", ""}})));
}

TEST(AccessToken, SubjectsThatCannotOwnAreRefused) {
	for (const std::string &subject : {""s, "\"\""s, "1"s, "null"s, "[\"alice\"]"s,
			 "\"a\\u0000b\""s, "\"a\\nb\""s, "\"\\u007f\""s, '"' + std::string(237, 'x') + '"'})
		EXPECT_FALSE(read(token({{"sub", subject}}))) << subject;
	EXPECT_TRUE(read(token({{"sub", '"' + std::string(236, 'x') + '"'}})));
	EXPECT_EQ(read(token({{"sub", R"("auth0|ä b")"}}))->owner, "https://id.example auth0|ä b");
}

// An issuer is a URL: what is configured has no space (config.cpp).
TEST(AccessToken, TheFirstSpaceOfAnOwnerEndsTheIssuer) {
	const std::string owner = owner_text("https://a.example", "b c");
	EXPECT_EQ(owner, "https://a.example b c");
	EXPECT_EQ(owner.find(' '), "https://a.example"s.size());
}

} // namespace

} // namespace tokpay
