#include "http/accept.hpp"

#include "text/same_text.hpp"

#include <algorithm>
#include <charconv>

namespace tokpay {

namespace {

// Takes what stands before a separator off the front of a text, without the space around it.
std::string_view take(std::string_view &text, char separator) {
	constexpr const char *space = " \t";
	const size_t end = std::min(text.find(separator), text.size());
	std::string_view front = text.substr(0, end);
	text.remove_prefix(std::min(end + 1, text.size()));
	front.remove_prefix(std::min(front.find_first_not_of(space), front.size()));
	return front.substr(0, front.find_last_not_of(space) + 1);
}

} // namespace

std::optional<double> accepted_weight(const HttpRequest &request, std::string_view range) {
	std::optional<double> highest;
	for (const HttpHeader &header : request.headers) {
		if (!same_text(header.name, "Accept"))
			continue;
		for (std::string_view list = header.value; !list.empty();) {
			std::string_view element = take(list, ',');
			if (!same_text(take(element, ';'), range))
				continue;
			double weight = 1;
			while (!element.empty()) {
				std::string_view value = take(element, ';');
				if (same_text(take(value, '='), "q"))
					std::from_chars(value.data(), value.data() + value.size(), weight);
			}
			highest = std::max(highest.value_or(0), weight);
		}
	}
	return highest;
}

} // namespace tokpay
