#include "api/entry_search.hpp"

#include "api/documents.hpp"

namespace tokpay {

namespace {

constexpr size_t max_q_bytes = 200;
constexpr size_t max_direction_bytes = 3;

} // namespace

Result<EntrySearch> entry_search(const Exchange &exchange, const Parameters &parameters) {
	EntrySearch search{.account = exchange.id, .principal = exchange.caller->principal};
	struct {
		const char *name;
		Result<std::optional<int64_t>> (*read)(const Parameters &, const char *);
		std::optional<int64_t> EntrySearch::*member;
	} constexpr numbers[] = {
		{"from", time_parameter, &EntrySearch::from},
		{"to", time_parameter, &EntrySearch::to},
		{"counterparty", id_parameter, &EntrySearch::counterparty},
		{"min_amount", amount_parameter, &EntrySearch::min_amount},
		{"max_amount", amount_parameter, &EntrySearch::max_amount},
	};
	for (const auto &number : numbers) {
		const auto value = number.read(parameters, number.name);
		if (!value)
			return value.error();
		search.*number.member = *value;
	}
	const auto q = text_parameter(parameters, "q", max_q_bytes);
	if (!q)
		return q.error();
	search.q = *q;
	const auto direction = text_parameter(parameters, "direction", max_direction_bytes);
	if (!direction || (*direction && **direction != "in" && **direction != "out"))
		return wrong_parameter("direction", "is in or out");
	search.direction = *direction;
	return search;
}

boost::asio::awaitable<Result<Entries>> read_entries(Exchange &exchange, const EntrySearch &search,
	std::optional<int64_t> before, int64_t max_rows) {
	static const std::string sql =
		std::string("select ") + entry_columns +
		" from tokpay.gateway_entries($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
	const auto rows = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::int8(search.account), pg::text(search.principal), pg::int8(before),
		pg::int4(static_cast<int32_t>(max_rows)), pg::timestamptz(search.from),
		pg::timestamptz(search.to), pg::text(search.q), pg::text(search.direction),
		pg::int8(search.counterparty), pg::int8(search.min_amount), pg::int8(search.max_amount));
	if (!rows)
		co_return rows.error();
	const auto names = co_await read_names(exchange, counterparties(*rows));
	if (!names)
		co_return names.error();
	Entries entries{*rows, *names};
	co_return entries;
}

} // namespace tokpay
