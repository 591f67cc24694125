#pragma once

#include <algorithm>
#include <string_view>

namespace tokpay {

// Whether two texts differ in the case of ASCII letters at most. (boost::beast::iequals reads a
// character past the end of texts that do.)
constexpr bool same_text(std::string_view a, std::string_view b) {
	const auto lower = [](char c) {
		return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
	};
	return std::ranges::equal(a, b, {}, lower, lower);
}

} // namespace tokpay
