// Tokens: the text is a token, or is made one with the input as its claims.
#include "fuzz_target.hpp"

#include "access/access_token.hpp"
#include "access/base64url.hpp"

using namespace tokpay;

namespace {

void read(std::string_view text) {
	const TokenRules rules{.issuer = "https://id.example", .audience = "https://pay.example"};
	std::string why;
	const auto token = jose::parse_token(text, &why);
	fuzz::check(token.has_value() || !why.empty());
	if (!token)
		return;
	fuzz::check(text.starts_with(token->signed_text) && !token->signature.empty());
	constexpr int64_t now = 1800000000;
	if (const auto access = read_access_token(*token, rules, now, &why)) {
		fuzz::check(access->owner.starts_with("https://id.example "));
		fuzz::check(access->expires + max_clock_skew_s > now);
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string_view text = fuzz::text(data, size);
	read(text);
	read(encode_base64url(R"({"alg":"ES256","typ":"at+jwt"})") + '.' + encode_base64url(text) +
		 ".AAAA");
	if (const auto octets = decode_base64url(text))
		fuzz::check(encode_base64url(*octets) == text);
	fuzz::check(decode_base64url(encode_base64url(text)) == text);
	return 0;
}
