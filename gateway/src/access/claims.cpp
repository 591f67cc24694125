#include "access/claims.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tokpay {

namespace {

constexpr size_t max_owner_bytes = 255;			  // of the ledger
constexpr double max_numeric_date = 253402300799; // the end of the year 9999

// Seconds since 1970, which may have a fraction (RFC 7519, section 2); nothing where the claim is
// missing. False where it is no time.
bool time_claim(const json::Document &claims, const char *name, std::optional<int64_t> *time) {
	const auto index = claims.member(0, name);
	if (!index)
		return true;
	const json::Node &node = claims[*index];
	if (node.type != json::Type::integer && node.type != json::Type::number)
		return false;
	double seconds = 0;
	const auto parsed =
		std::from_chars(node.text.data(), node.text.data() + node.text.size(), seconds);
	if (parsed.ec != std::errc() || seconds < 0 || seconds > max_numeric_date)
		return false;
	*time = static_cast<int64_t>(std::floor(seconds));
	return true;
}

bool is_printable(std::string_view text) {
	return std::ranges::none_of(
		text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

} // namespace

std::optional<std::string_view> string_claim(const json::Document &claims, const char *name) {
	const auto index = claims.member(0, name);
	if (!index || claims[*index].type != json::Type::string)
		return std::nullopt;
	return claims[*index].text;
}

std::optional<bool> boolean_claim(const json::Document &claims, const char *name) {
	const auto index = claims.member(0, name);
	if (!index || claims[*index].type != json::Type::boolean)
		return std::nullopt;
	return claims[*index].boolean;
}

bool is_for(const json::Document &claims, std::string_view audience) {
	const auto index = claims.member(0, "aud");
	if (!index)
		return false;
	const auto matches = [&](uint32_t i) {
		return claims[i].type == json::Type::string && claims[i].text == audience;
	};
	if (claims[*index].type != json::Type::array)
		return matches(*index);
	bool found = false;
	claims.for_each(*index, [&](uint32_t i) { found |= matches(i); });
	return found;
}

size_t audience_count(const json::Document &claims) {
	const auto index = claims.member(0, "aud");
	if (!index)
		return 0;
	if (claims[*index].type != json::Type::array)
		return 1;
	size_t count = 0;
	claims.for_each(*index, [&](uint32_t) { count++; });
	return count;
}

std::optional<int64_t> valid_until(const json::Document &claims, int64_t now, std::string *why) {
	const auto no = [&](const char *reason) {
		*why = reason;
		return std::nullopt;
	};
	std::optional<int64_t> expires;
	std::optional<int64_t> not_before;
	std::optional<int64_t> issued;
	if (!time_claim(claims, "exp", &expires) || !time_claim(claims, "nbf", &not_before) ||
		!time_claim(claims, "iat", &issued) || !expires || !issued)
		return no("exp and iat are times, nbf is one where it is there");
	if (*expires + max_clock_skew_s <= now)
		return no("it has expired (exp)");
	if (not_before.value_or(now) > now + max_clock_skew_s)
		return no("it is not valid yet (nbf)");
	if (*issued > now + max_clock_skew_s)
		return no("it was issued in the future (iat)");
	return expires;
}

std::string owner_text(std::string_view issuer, std::string_view subject) {
	return std::string(issuer).append(" ").append(subject);
}

std::optional<std::string> owner_claim(
	const json::Document &claims, std::string_view issuer, std::string *why) {
	const auto subject = string_claim(claims, "sub");
	if (!subject || subject->empty() || !is_printable(*subject)) {
		*why = "it names nobody (sub)";
		return std::nullopt;
	}
	std::string owner = owner_text(issuer, *subject);
	if (owner.size() > max_owner_bytes) {
		*why = "issuer and subject have more than 254 bytes together (sub)";
		return std::nullopt;
	}
	return owner;
}

} // namespace tokpay
