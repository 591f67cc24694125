#include "ledger/epoch.hpp"

#include <charconv>

namespace tokpay {

namespace {

// Takes a number and the end or the dot after it off the front of text.
template<class Number> bool take(std::string_view &text, Number &number) {
	const char *end = text.data() + text.size();
	const auto [after, error] = std::from_chars(text.data(), end, number);
	if (error != std::errc() || number < 0 || (after != end && *after != '.'))
		return false;
	text.remove_prefix(static_cast<size_t>(after - text.data()));
	return true;
}

bool take_dot(std::string_view &text) {
	if (text.empty())
		return false;
	text.remove_prefix(1);
	return true;
}

} // namespace

std::string to_text(const Epoch &epoch) {
	return std::to_string(epoch.incarnation) + '.' + std::to_string(epoch.timeline) + '.' +
		   std::to_string(epoch.counter);
}

std::optional<Epoch> parse_epoch(std::string_view text) {
	Epoch epoch;
	const bool is_one = take(text, epoch.incarnation) && take_dot(text) &&
						take(text, epoch.timeline) && take_dot(text) && take(text, epoch.counter) &&
						text.empty();
	return is_one ? std::optional(epoch) : std::nullopt;
}

} // namespace tokpay
