#include "api/page.hpp"

#include "api/object_reader.hpp"
#include "text/text_hash.hpp"

#include <algorithm>
#include <map>

namespace tokpay {

namespace {

constexpr int64_t default_page_size = 100;
constexpr int64_t max_page_size = 1000;
constexpr char separator = '-';

// What a list is besides its pages: nothing where its path says it all.
std::string list_of(const HttpRequest &request, const Parameters &parameters) {
	std::map<std::string_view, std::string_view> others(parameters.begin(), parameters.end());
	others.erase("limit");
	others.erase("cursor");
	std::string list(request.target.substr(0, request.target.find('?')));
	for (const auto &[name, value] : others)
		list.append(1, '\0').append(name).append(1, '\0').append(value);
	return text_hash(list);
}

} // namespace

Result<Page> page(const HttpRequest &request, const Parameters &parameters) {
	Page page{.limit = default_page_size, .after = {}, .list = list_of(request, parameters)};
	if (const auto limit = parameters.find("limit"); limit != parameters.end()) {
		page.limit = parse_id(limit->second).value_or(0);
		if (page.limit < 1 || page.limit > max_page_size)
			return wrong_parameter("limit", "is a number from 1 to 1000");
	}
	if (const auto given = parameters.find("cursor"); given != parameters.end()) {
		const std::string_view text = given->second;
		page.after = parse_id(text.substr(0, text.find(separator)));
		if (!page.after || text != cursor(page, *page.after))
			return wrong_parameter("cursor", "is the next_cursor of a page of the same list");
	}
	return page;
}

std::string cursor(const Page &page, int64_t place) {
	return std::to_string(place) + separator + page.list;
}

} // namespace tokpay
