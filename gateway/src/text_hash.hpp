// FNV-1a, 64 bits, in hexadecimal digits: tells texts apart, guards nothing.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace tokpay {

inline std::string text_hash(std::string_view text) {
	uint64_t hash = 14695981039346656037u;
	for (const char c : text)
		hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
	char digits[16];
	const auto end = std::to_chars(digits, digits + sizeof digits, hash, 16).ptr;
	return {digits, end};
}

} // namespace tokpay
