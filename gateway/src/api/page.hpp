// Lists page by page: which page is asked for, and the answer that has it.
#pragma once

#include "api/exchange.hpp"
#include "text/json_writer.hpp"

namespace tokpay {

// limit and cursor of a paged list. A cursor is the place where the page before ended; it belongs
// to one list: the path with its other parameters.
struct Page {
	int64_t limit = 0; // 1 to 1,000
	std::optional<int64_t> after;
	std::string list; // tells this list's cursors from others'
};

// 422 where limit is not a number in range or the cursor is of another list.
Result<Page> page(const HttpRequest &request, const Parameters &parameters);

// The cursor for what comes after a place of the page's list.
std::string cursor(const Page &page, int64_t place);

// {data: [...], has_more, next_cursor}: calls write(out, row) for rows 0 to count - 1. next is
// where the next page begins, none where this is the last one.
template<class Write>
Response page_response(const Page &page, int count, std::optional<int64_t> next, Write write) {
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("data");
	out.begin_array();
	for (int row = 0; row < count; row++)
		write(out, row);
	out.end_array();
	out.member("has_more", next.has_value());
	out.member("next_cursor", next ? std::optional(cursor(page, *next)) : std::nullopt);
	out.end_object();
	return response;
}

// The same for rows of which one more was asked for than the page has; their first column is their
// place.
template<class Write>
Response page_response(const Page &page, const pg::Result &rows, Write write) {
	const bool has_more = rows.rows() > page.limit;
	const int count = has_more ? static_cast<int>(page.limit) : rows.rows();
	return page_response(
		page, count, has_more ? std::optional(rows.int8(count - 1, 0)) : std::nullopt, write);
}

} // namespace tokpay
