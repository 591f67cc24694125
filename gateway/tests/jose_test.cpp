// Base64url, keys and tokens: the vectors of the RFCs, and everything a forger would try.
#include "access/jwt.hpp"

#include "signing_key.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace tokpay::jose {

namespace {

// Base64url

TEST(Base64url, RoundTripsEveryLength) {
	std::string octets;
	for (int i = 0; i < 300; i++) {
		const std::string text = encode_base64url(octets);
		EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
		EXPECT_EQ(decode_base64url(text), octets) << i;
		octets.push_back(static_cast<char>(i * 7 + 251));
	}
}

TEST(Base64url, KnownTexts) {
	EXPECT_EQ(
		decode_base64url("AxY8DCtDaGlsbGljb3RoZQ").value(), "\x03\x16\x3c\x0c"s + "+Chillicothe");
	EXPECT_EQ(encode_base64url("\xfb\xff\xbf"), "-_-_");
	EXPECT_EQ(decode_base64url(""), "");
}

TEST(Base64url, WhatIsNotCanonicalIsRefused) {
	for (const char *text : {"A", "AAAAA", "AA=", "AA==", "A+AA", "A/AA", "A AA", "AA\n", "AB",
			 "AAB", "\xc3\xa9", "AAAA.", "A\200AA"})
		EXPECT_FALSE(decode_base64url(text)) << text;
	EXPECT_FALSE(decode_base64url("AA\0A"s));
}

// Keys

std::optional<Key> key_from(const std::string &members) {
	std::string why;
	const auto document = json::Document::parse('{' + members + '}', &why);
	EXPECT_TRUE(document) << why;
	return Key::from_jwk(*document, 0);
}

std::string set_of(std::initializer_list<std::string> keys) {
	std::string text = R"({"keys":[)";
	for (const std::string &key : keys)
		text += '{' + key + "},";
	text.back() = ']';
	return text + '}';
}

KeySet parse_set(const std::string &text) {
	std::string why;
	auto set = KeySet::parse(text, &why);
	EXPECT_TRUE(set) << why;
	return *set;
}

TEST(Jwk, VerifiesTheVectorsOfTheRfcs) {
	// RFC 7515, appendix A.3
	const auto ec = key_from(
		R"("kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")");
	ASSERT_TRUE(ec);
	const std::string text = "eyJhbGciOiJFUzI1NiJ9."
							 "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL"
							 "mNvbS9pc19yb290Ijp0cnVlfQ";
	const std::string signature = *decode_base64url(
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
	EXPECT_TRUE(ec->verifies(Algorithm::es256, text, signature));
	EXPECT_FALSE(ec->verifies(Algorithm::es256, text + "x", signature));
	EXPECT_FALSE(ec->verifies(Algorithm::rs256, text, signature));
	// RFC 8037, appendix A.4
	const auto ed = key_from(
		R"("kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")");
	ASSERT_TRUE(ed);
	EXPECT_TRUE(
		ed->verifies(Algorithm::eddsa, "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
			*decode_base64url("hgyY0il_MGCjP0JzlnLWG1PPOt7-"
							  "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")));
}

struct Maker {
	Algorithm algorithm;
	const char *name;
	SigningKey key;
};

std::vector<Maker> make_makers() {
	return {{Algorithm::rs256, "RS256", SigningKey::rsa()},
		{Algorithm::ps256, "PS256", SigningKey::rsa(3072)},
		{Algorithm::es256, "ES256", SigningKey::ec()},
		{Algorithm::eddsa, "EdDSA", SigningKey::ed25519()}};
}

TEST(Jwk, EveryAlgorithmVerifiesItsOwnSignatureAndNoOther) {
	const std::string text = "header.payload";
	const std::vector<Maker> makers = make_makers();
	const std::vector<Maker> others = make_makers();
	for (const Maker &maker : makers) {
		const auto key = key_from(maker.key.jwk());
		ASSERT_TRUE(key) << maker.name;
		const std::string signature = maker.key.sign(maker.algorithm, text);
		EXPECT_TRUE(key->verifies(maker.algorithm, text, signature)) << maker.name;
		EXPECT_FALSE(key->verifies(maker.algorithm, "header.pAyload", signature)) << maker.name;
		EXPECT_FALSE(key->verifies(maker.algorithm, text, "")) << maker.name;
		EXPECT_FALSE(key->verifies(maker.algorithm, text, std::string(64, '\0'))) << maker.name;
		EXPECT_FALSE(key->verifies(maker.algorithm, text, signature + '\0')) << maker.name;
		EXPECT_FALSE(key->verifies(maker.algorithm, text, signature.substr(1))) << maker.name;
		for (const size_t place : {size_t{0}, signature.size() / 2, signature.size() - 1}) {
			std::string forged = signature;
			forged[place] = static_cast<char>(forged[place] ^ 1);
			EXPECT_FALSE(key->verifies(maker.algorithm, text, forged)) << maker.name << place;
		}
		for (const Maker &other : others) {
			const auto wrong_key = key_from(other.key.jwk());
			EXPECT_FALSE(wrong_key->verifies(maker.algorithm, text, signature)) << other.name;
			if (other.algorithm != maker.algorithm) {
				EXPECT_FALSE(key->verifies(other.algorithm, text, signature)) << other.name;
			}
		}
	}
}

TEST(Jwk, AKeyMadeForOneAlgorithmVerifiesNoOther) {
	const SigningKey signer = SigningKey::rsa();
	const auto pinned = key_from(signer.jwk() + R"(,"alg":"PS256")");
	ASSERT_TRUE(pinned);
	EXPECT_TRUE(pinned->verifies(Algorithm::ps256, "x", signer.sign(Algorithm::ps256, "x")));
	EXPECT_FALSE(pinned->verifies(Algorithm::rs256, "x", signer.sign(Algorithm::rs256, "x")));
}

TEST(Jwk, KeysThatAreNotForUsAreRefused) {
	const std::string rsa = SigningKey::rsa().jwk();
	const std::string ec = SigningKey::ec().jwk();
	const std::string ed = SigningKey::ed25519().jwk();
	EXPECT_TRUE(key_from(rsa + R"(,"use":"sig","key_ops":["sign","verify"],"alg":"RS256")"));
	const std::string cases[] = {"", R"("kty":"oct","k":"AAAA")", R"("kty":"RSA")", R"("kty":1)",
		rsa + R"(,"use":"enc")", rsa + R"(,"use":1)", rsa + R"(,"key_ops":["encrypt"])",
		rsa + R"(,"key_ops":"verify")", rsa + R"(,"alg":"RS512")", rsa + R"(,"alg":"none")",
		rsa + R"(,"alg":"ES256")", rsa + R"(,"alg":"HS256")", ec + R"(,"alg":"EdDSA")",
		ed + R"(,"alg":"RS256")", SigningKey::rsa(1024).jwk(), SigningKey::ec("P-384").jwk(),
		R"("kty":"RSA","n":"AQAB","e":"AQAB")", R"("kty":"RSA","n":"","e":"")",
		R"("kty":"OKP","crv":"Ed25519","x":"AAAA")", R"("kty":"OKP","crv":"Ed448","x":"AAAA")",
		R"("kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA")"};
	for (const std::string &members : cases)
		EXPECT_FALSE(key_from(members)) << members;
}

TEST(Jwk, APointThatIsNotOnTheCurveIsRefused) {
	const std::string zeros(43, 'A');
	EXPECT_FALSE(
		key_from(R"("kty":"EC","crv":"P-256","x":")" + zeros + R"(","y":")" + zeros + '"'));
	std::string ec = SigningKey::ec().jwk();
	const size_t place = ec.find(R"("x":")") + 10;
	ec[place] = ec[place] == 'B' ? 'C' : 'B';
	EXPECT_FALSE(key_from(ec));
	// P-384's numbers under the name of P-256
	std::string other = SigningKey::ec("P-384").jwk();
	other.replace(other.find("P-384"), 5, "P-256");
	EXPECT_FALSE(key_from(other));
}

TEST(Jwk, EvenAndUnitExponentsAreRefused) {
	const std::string rsa = SigningKey::rsa().jwk();
	for (const char *exponent : {"AQ", "Ag", "AA", "AAAAAAAAAAAAAAAA"}) {
		std::string changed = rsa;
		changed.replace(changed.find(R"("e":")") + 5, 4, exponent);
		EXPECT_FALSE(key_from(changed)) << changed;
	}
}

TEST(KeySet, FindsByIdAndAlgorithm) {
	const SigningKey one = SigningKey::rsa();
	const SigningKey two = SigningKey::ec();
	const KeySet set = parse_set(set_of({one.jwk() + R"(,"kid":"one")",
		two.jwk() + R"(,"kid":"two")", R"("kty":"oct","k":"AAAA","kid":"secret")"}));
	EXPECT_EQ(set.size(), 2u);
	EXPECT_TRUE(set.find(Algorithm::rs256, "one"));
	EXPECT_FALSE(set.find(Algorithm::es256, "one"));
	EXPECT_TRUE(set.find(Algorithm::es256, "two"));
	EXPECT_FALSE(set.find(Algorithm::rs256, "secret"));
	EXPECT_FALSE(set.find(Algorithm::rs256, "ONE"));
	EXPECT_TRUE(set.find(Algorithm::rs256, std::nullopt));
	EXPECT_FALSE(set.find(Algorithm::eddsa, std::nullopt));
}

TEST(KeySet, WithoutAnIdOnlyASingleKeyIsMeant) {
	const KeySet set = parse_set(set_of({SigningKey::ec().jwk() + R"(,"kid":"a")",
		SigningKey::ec().jwk() + R"(,"kid":"b")", SigningKey::rsa().jwk()}));
	EXPECT_FALSE(set.find(Algorithm::es256, std::nullopt));
	EXPECT_TRUE(set.find(Algorithm::rs256, std::nullopt));
	EXPECT_FALSE(set.find(Algorithm::rs256, ""));
}

TEST(KeySet, WhatIsNoSetIsRefused) {
	std::string many = R"({"keys":[)";
	for (int i = 0; i < 101; i++)
		many += "{},";
	many.back() = ']';
	many += '}';
	for (const std::string &text : {""s, "[]"s, "{}"s, R"({"keys":{}})"s,
			 R"({"keys":[],"keys":[]})"s, R"({"keys":[)"s, "<html>"s, many}) {
		std::string why;
		EXPECT_FALSE(KeySet::parse(text, &why)) << text;
		EXPECT_FALSE(why.empty());
	}
	EXPECT_EQ(parse_set(R"({"keys":[1,null,[],"x",{}]})").size(), 0u);
}

// Tokens

std::string encode(const std::string &header, const std::string &claims) {
	return encode_base64url(header) + '.' + encode_base64url(claims) + ".AAAA";
}

std::string refusal(const std::string &text) {
	std::string why;
	EXPECT_FALSE(parse_token(text, &why)) << text;
	EXPECT_FALSE(why.empty()) << text;
	return why;
}

TEST(Jwt, TakesATokenApart) {
	std::string why;
	const std::string text = encode(
		R"({"alg":"ES256","typ":"AT+JWT","kid":"k","jku":"https://evil.example"})", R"({"a":1})");
	const auto token = parse_token(text, &why);
	ASSERT_TRUE(token) << why;
	EXPECT_EQ(token->algorithm, Algorithm::es256);
	EXPECT_EQ(token->type, "at+jwt");
	EXPECT_EQ(token->key_id, "k");
	EXPECT_EQ(token->signed_text + ".AAAA", text);
	EXPECT_EQ(token->signature, "\0\0\0"s);
	EXPECT_TRUE(token->claims.member(0, "a"));
}

TEST(Jwt, OtherAlgorithmsAreRefused) {
	for (const char *algorithm :
		{"none", "None", "NONE", "", "HS256", "HS512", "RS1", "RS384", "RS512", "PS512", "ES384",
			"ES512", "ES256K", "rs256", "eddsa", "Ed448", "RSA-OAEP", "dir"})
		EXPECT_NE(
			refusal(encode(std::string(R"({"alg":")") + algorithm + "\"}", "{}")).find("algorithm"),
			std::string::npos)
			<< algorithm;
	EXPECT_NE(refusal(encode("{}", "{}")).find("algorithm"), std::string::npos);
}

TEST(Jwt, WhatIsNoTokenIsRefused) {
	const std::string header = R"({"alg":"RS256"})";
	const std::string good = encode(header, "{}");
	std::string why;
	ASSERT_TRUE(parse_token(good, &why)) << why;
	const std::string cases[] = {"", ".", "..", "...", "a.b.c", good + ".AAAA",
		good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1), good + "=",
		good + "A", ' ' + good, good + '\n', encode("[]", "{}"), encode("1", "{}"),
		encode("{", "{}"), encode(header, "[]"), encode(header, "\"\""), encode(header, ""),
		encode(header, "{"), encode(header, "\xff"), encode(R"({"alg":1})", "{}"),
		encode(R"({"alg":["RS256"]})", "{}"), encode(R"({"alg":"RS256","kid":1})", "{}"),
		encode(R"({"alg":"RS256","typ":null})", "{}"),
		encode(R"({"alg":"RS256","crit":["exp"],"exp":1})", "{}"),
		encode(R"({"alg":"RS256","crit":[]})", "{}"),
		encode(R"({"alg":"RS256","b64":false,"crit":["b64"]})", "{}")};
	for (const std::string &text : cases)
		refusal(text);
}

TEST(Jwt, MembersThatComeTwiceAreRefused) {
	EXPECT_NE(
		refusal(encode(R"({"alg":"RS256","alg":"none"})", "{}")).find("twice"), std::string::npos);
	EXPECT_NE(refusal(encode(R"({"alg":"RS256","\u0061lg":"none"})", "{}")).find("twice"),
		std::string::npos);
	EXPECT_NE(refusal(encode(R"({"alg":"RS256"})", R"({"sub":"a","sub":"b"})")).find("twice"),
		std::string::npos);
	EXPECT_NE(refusal(encode(R"({"alg":"RS256"})", R"({"x":{"a":1,"a":2}})")).find("twice"),
		std::string::npos);
}

TEST(Jwt, OversizedAndDeepTokensAreRefused) {
	EXPECT_NE(refusal(encode(R"({"alg":"RS256"})", R"({"x":")" + std::string(8192, 'x') + "\"}"))
				  .find("8 KiB"),
		std::string::npos);
	refusal(encode(
		R"({"alg":"RS256"})", R"({"x":)" + std::string(500, '[') + std::string(500, ']') + '}'));
}

TEST(Jwt, EveryPrefixOfATokenFails) {
	const SigningKey signer = SigningKey::ec();
	const auto key = key_from(signer.jwk());
	const std::string text = signer.token(Algorithm::es256, R"({"alg":"ES256"})", R"({"a":1})");
	std::string why;
	const auto whole = parse_token(text, &why);
	ASSERT_TRUE(whole && key->verifies(whole->algorithm, whole->signed_text, whole->signature));
	for (size_t size = 0; size < text.size(); size++)
		if (const auto token = parse_token(text.substr(0, size), &why)) {
			EXPECT_FALSE(key->verifies(token->algorithm, token->signed_text, token->signature))
				<< size;
		}
}

// The classic: a public RSA key used as an HMAC secret, and a header that names another algorithm.
TEST(Jwt, AHeaderCannotPickWhatAKeyIsUsedFor) {
	const SigningKey signer = SigningKey::rsa();
	const KeySet set = parse_set(set_of({signer.jwk() + R"(,"kid":"k")"}));
	std::string why;
	refusal(encode(R"({"alg":"HS256","kid":"k"})", "{}"));
	const std::string signed_rs =
		signer.token(Algorithm::rs256, R"({"alg":"ES256","kid":"k"})", "{}");
	const auto token = parse_token(signed_rs, &why);
	ASSERT_TRUE(token) << why;
	EXPECT_FALSE(set.find(token->algorithm, token->key_id));
}

} // namespace

} // namespace tokpay::jose
