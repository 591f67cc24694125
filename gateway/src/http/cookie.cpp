#include "http/cookie.hpp"

#include <algorithm>

namespace tokpay {

namespace {

// cookie-octet (RFC 6265, section 4.1.1).
bool is_value(std::string_view text) {
	return std::ranges::all_of(text, [](char c) {
		return '!' <= c && c <= '~' && c != '"' && c != ',' && c != ';' && c != '\\';
	});
}

} // namespace

std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name) {
	std::optional<std::string_view> found;
	while (!header.empty()) {
		const size_t end = std::min(header.find(';'), header.size());
		std::string_view pair = header.substr(0, end);
		header.remove_prefix(std::min(end + 1, header.size()));
		pair.remove_prefix(std::min(pair.find_first_not_of(' '), pair.size()));
		const size_t equals = pair.find('=');
		if (equals == std::string_view::npos || pair.substr(0, equals) != name)
			continue;
		std::string_view value = pair.substr(equals + 1);
		if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
			value = value.substr(1, value.size() - 2);
		if (found || !is_value(value))
			return std::nullopt;
		found = value;
	}
	return found;
}

} // namespace tokpay
