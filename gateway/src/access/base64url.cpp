#include "access/base64url.hpp"

#include <array>
#include <cstdint>

namespace tokpay {

namespace {

constexpr std::string_view alphabet =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int8_t no_digit = -1;

constexpr std::array<int8_t, 256> digit_values = [] {
	std::array<int8_t, 256> values{};
	values.fill(no_digit);
	for (size_t i = 0; i < alphabet.size(); i++)
		values[static_cast<unsigned char>(alphabet[i])] = static_cast<int8_t>(i);
	return values;
}();

} // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
	if (text.size() % 4 == 1)
		return std::nullopt;
	std::string octets;
	octets.reserve(text.size() / 4 * 3 + 2);
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (const char c : text) {
		const int8_t value = digit_values[static_cast<unsigned char>(c)];
		if (value == no_digit)
			return std::nullopt;
		bits = bits << 6 | static_cast<uint32_t>(value);
		bit_count += 6;
		if (bit_count >= 8) {
			bit_count -= 8;
			octets.push_back(static_cast<char>(bits >> bit_count & 0xff));
			bits &= (1u << bit_count) - 1;
		}
	}
	if (bits != 0)
		return std::nullopt;
	return octets;
}

std::string encode_base64url(std::string_view octets) {
	std::string text;
	text.reserve((octets.size() * 4 + 2) / 3);
	uint32_t bits = 0;
	unsigned bit_count = 0;
	for (const char c : octets) {
		bits = bits << 8 | static_cast<unsigned char>(c);
		bit_count += 8;
		while (bit_count >= 6) {
			bit_count -= 6;
			text.push_back(alphabet[bits >> bit_count & 63]);
		}
		bits &= (1u << bit_count) - 1;
	}
	if (bit_count > 0)
		text.push_back(alphabet[bits << (6 - bit_count) & 63]);
	return text;
}

} // namespace tokpay
