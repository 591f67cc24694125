#include "api/handlers.hpp"

#include "api/documents.hpp"
#include "api/entry_export.hpp"
#include "api/execution.hpp"
#include "api/page.hpp"
#include "http/accept.hpp"
#include "text/csv.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

void append_csv(std::string &out, const pg::Result &entries) {
	for (int row = 0; row < entry_count(entries); row++) {
		CsvLine line(out);
		std::string at;
		json::append_time(entries.int8(row, 8), &at);
		line.plain(at);
		line.plain(std::to_string(entries.int8(row, 0)));
		line.plain(std::to_string(entries.int8(row, 1)));
		line.plain(entries.text(row, 4));
		line.plain(std::to_string(entries.int8(row, 2)));
		line.plain(std::to_string(entries.int8(row, 3)));
		std::string counterparties;
		for (const int64_t account : entries.int8_array(row, 5))
			counterparties.append(counterparties.empty() ? "" : " ")
				.append(std::to_string(account));
		line.plain(counterparties);
		line.text(entries.optional_text(row, 6).value_or(""));
		line.end();
	}
}

// Writes all entries, page by page, beginning with one that is there.
asio::awaitable<void> write_export(Worker &worker, EntrySearch search, CallerPtr caller,
	Credential credential, pg::Result first, BodyWriter &out) {
	std::string text = "at,version,transfer,kind,amount,balance,counterparties,description\r\n";
	pg::Result entries = first;
	for (;;) {
		append_csv(text, entries);
		if (!co_await out.write(text))
			co_return;
		const auto next = next_page(entries);
		if (!next)
			co_return;
		const Entries page = co_await read_export_page(worker, search, caller, credential, next);
		entries = page.rows;
		text.clear();
	}
}

Response csv_response(Exchange &exchange, const EntrySearch &search, const pg::Result &first) {
	Response response{.content_type = "text/csv; charset=utf-8"};
	response.headers.emplace_back("Content-Disposition",
		"attachment; filename=\"entries-" + std::to_string(exchange.id) + ".csv\"");
	response.stream = [&worker = exchange.worker, search, caller = exchange.caller,
						  credential = Credential(exchange), first](BodyWriter &out) {
		return write_export(worker, search, caller, credential, first, out);
	};
	return response;
}

enum class Format { json, csv };

// Whether Accept names CSV, and does not want JSON more.
bool accepts_csv(const HttpRequest &request) {
	const double csv = accepted_weight(request, "text/csv").value_or(0);
	for (const char *range : {"application/json", "application/*", "*/*"})
		if (const auto json = accepted_weight(request, range))
			return csv > 0 && csv >= *json;
	return csv > 0;
}

// What the request asks for by format= or Accept; 422.
Result<Format> format_of(const HttpRequest &request, const Parameters &given) {
	const auto named = given.find("format");
	std::string_view name = "json";
	if (named != given.end())
		name = named->second;
	else if (accepts_csv(request))
		name = "csv";
	if (name == "csv")
		return Format::csv;
	if (name == "json")
		return Format::json;
	return wrong_parameter("format", "is csv or json");
}

} // namespace

Reply get_entries(Exchange &exchange) {
	const auto given =
		parameters(exchange.request, {"limit", "cursor", "from", "to", "q", "direction",
										 "counterparty", "min_amount", "max_amount", "format"});
	if (!given)
		co_return given.error();
	const auto format = format_of(exchange.request, *given);
	if (!format)
		co_return format.error();
	const bool csv = *format == Format::csv;
	const auto wanted = page(exchange.request, *given);
	if (!wanted)
		co_return wanted.error();
	const auto search = entry_search(exchange, *given);
	if (!search)
		co_return search.error();
	int64_t max_rows = wanted->limit + 1;
	if (csv)
		max_rows = export_page_size;
	const auto entries = co_await read_entries(exchange, *search, wanted->after, max_rows);
	if (!entries)
		co_return as_path_problem(entries.error());
	if (csv)
		co_return csv_response(exchange, *search, entries->rows);
	const pg::Result &rows = entries->rows;
	const auto write = [&](json::Writer &out, int row) {
		write_entry(out, rows, row, entries->names);
	};
	if (stopped_early(rows))
		co_return page_response(
			*wanted, entry_count(rows), std::optional(rows.int8(rows.rows() - 1, 0)), write);
	co_return page_response(*wanted, rows, write);
}

namespace {

constexpr size_t max_zone_bytes = 64;
constexpr int64_t day_us = int64_t{86400} * 1000000;
// 0002-01-01: what begins later begins in a year of four digits, whatever the zone and the bucket.
constexpr int64_t first_start = int64_t{-729754} * day_us;
// Where from is missing: so many days before to, some thirty buckets.
struct Bucket {
	std::string_view name;
	int64_t days;
};
constexpr Bucket buckets[] = {{"day", 30}, {"week", 210}, {"month", 900}};
constexpr int32_t max_counterparties = 100;

struct SummaryRequest {
	int64_t from = 0;
	int64_t to = 0;
	std::string zone;
	std::string bucket;
	bool by_counterparty = false;
};

int64_t now_us() {
	namespace chrono = std::chrono;
	constexpr chrono::sys_days epoch = chrono::year{2000} / chrono::January / 1;
	return chrono::duration_cast<chrono::microseconds>(chrono::system_clock::now() - epoch).count();
}

Result<SummaryRequest> summary_request(const Parameters &given) {
	const auto from = time_parameter(given, "from");
	if (!from)
		return from.error();
	const auto to = time_parameter(given, "to");
	if (!to)
		return to.error();
	const auto zone = text_parameter(given, "tz", max_zone_bytes);
	if (!zone)
		return zone.error();
	SummaryRequest request{.zone = zone->value_or("UTC")};
	const auto named = given.find("bucket");
	const std::string_view name =
		named == given.end() ? std::string_view("day") : std::string_view(named->second);
	const auto bucket = std::ranges::find(buckets, name, &Bucket::name);
	if (bucket == std::end(buckets))
		return wrong_parameter("bucket", "is day, week or month");
	request.bucket = name;
	const auto by = given.find("by");
	if (by != given.end() && by->second != "counterparty")
		return wrong_parameter("by", "is counterparty");
	request.by_counterparty = by != given.end();
	request.to = to->value_or(now_us());
	request.from = from->value_or(request.to - bucket->days * day_us);
	if (request.from < first_start)
		return wrong_parameter(*from ? "from" : "to", "lets it begin before the year 2");
	return request;
}

} // namespace

Reply get_summary(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"from", "to", "tz", "bucket", "by"});
	if (!given)
		co_return given.error();
	const auto wanted = summary_request(*given);
	if (!wanted)
		co_return wanted.error();
	const pg::Parameter account = pg::int8(exchange.id);
	const pg::Parameter principal = pg::text(exchange.caller->principal);
	const auto sums = co_await run_statement(exchange,
		"select start, received, spent, closing"
		" from tokpay.gateway_summary($1, $2, $3, $4, $5, $6)",
		Repeat::yes, account, principal, pg::timestamptz(wanted->from), pg::timestamptz(wanted->to),
		pg::text(wanted->zone), pg::text(wanted->bucket));
	if (!sums)
		co_return as_path_problem(sums.error());
	std::optional<pg::Result> parties;
	Names names;
	if (wanted->by_counterparty) {
		const auto found = co_await run_statement(exchange,
			"select counterparty, received, spent"
			" from tokpay.gateway_counterparties($1, $2, $3, $4, $5)",
			Repeat::yes, account, principal, pg::timestamptz(wanted->from),
			pg::timestamptz(wanted->to), pg::int4(max_counterparties));
		if (!found)
			co_return found.error();
		parties = *found;
		std::vector<int64_t> accounts;
		accounts.reserve(static_cast<size_t>(found->rows()));
		for (int row = 0; row < found->rows(); row++)
			accounts.push_back(found->int8(row, 0));
		const auto named = co_await read_names(exchange, std::move(accounts));
		if (!named)
			co_return named.error();
		names = *named;
	}
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("data");
	out.begin_array();
	for (int row = 0; row < sums->rows(); row++) {
		out.begin_object();
		out.member("start", json::Time{sums->int8(row, 0)});
		out.member("in", sums->int8(row, 1));
		out.member("out", sums->int8(row, 2));
		out.member("closing", sums->int8(row, 3));
		out.end_object();
	}
	out.end_array();
	out.name("by");
	out.begin_array();
	for (int row = 0; parties && row < parties->rows(); row++) {
		out.begin_object();
		out.member("account", json::Id{parties->int8(row, 0)});
		out.member("display_name", names.find(parties->int8(row, 0)));
		out.member("in", parties->int8(row, 1));
		out.member("out", parties->int8(row, 2));
		out.end_object();
	}
	out.end_array();
	out.end_object();
	co_return response;
}

} // namespace tokpay
