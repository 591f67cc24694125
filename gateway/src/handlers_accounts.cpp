#include "handlers.hpp"

#include "body_reader.hpp"
#include "documents.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

Problem account_unknown() {
	return not_found("There is no such account.");
}

// FNV-1a, 64 bits: tells bodies apart, guards nothing.
std::string etag(std::string_view body) {
	uint64_t hash = 14695981039346656037u;
	for (const char c : body)
		hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
	char text[24];
	const auto end = std::to_chars(text + 1, text + sizeof text - 1, hash, 16).ptr;
	text[0] = '"';
	*end = '"';
	return std::string(text, end + 1);
}

// A body with an ETag, or 304 where the client has it already (RFC 9110, section 13.1.2).
Response conditional(const HttpRequest &request, std::string body) {
	Response response{.body = std::move(body)};
	std::string tag = etag(response.body);
	const std::string_view condition = request.header("If-None-Match").value_or("");
	if (condition == "*" || condition.find(tag) != std::string_view::npos) {
		response.status = 304;
		response.body.clear();
	}
	response.headers.emplace_back("ETag", std::move(tag));
	return response;
}

// {data: [...], has_more, next_cursor} of at most limit of the rows; there is one more row where
// there is more. write(out, row) writes a row, cursor(row) is its place.
template<class Write, class Cursor>
Response page_response(const pg::Result &rows, int64_t limit, Write write, Cursor cursor) {
	const bool has_more = rows.rows() > limit;
	const int count = has_more ? static_cast<int>(limit) : rows.rows();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("data");
	out.begin_array();
	for (int row = 0; row < count; row++)
		write(out, row);
	out.end_array();
	out.member("has_more", has_more);
	out.member("next_cursor", has_more ? std::optional(json::Id{cursor(count - 1)}) : std::nullopt);
	out.end_object();
	return response;
}

Response account_response(const pg::Result &account) {
	Response response;
	json::Writer out(response.body);
	write_account(out, account, 0);
	return response;
}

} // namespace

Response balance_response(const Balance &balance) {
	if (!balance.known)
		return to_response(account_unknown());
	Response response;
	json::Writer out(response.body);
	write_balance(out, balance);
	response.headers.emplace_back("ETag", etag(response.body));
	return response;
}

Reply get_balance(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	if (!exchange.caller->reaches(exchange.id))
		co_return account_unknown();
	const auto balances = co_await read_balances(exchange, std::vector(1, exchange.id));
	if (!balances)
		co_return balances.error();
	const Balance &balance = balances->front();
	if (!balance.known)
		co_return account_unknown();
	std::string body;
	json::Writer out(body);
	write_balance(out, balance);
	co_return conditional(exchange.request, std::move(body));
}

Reply query_balances(Exchange &exchange) {
	const auto accounts = read_balances_query(exchange.request.body);
	if (!accounts)
		co_return accounts.error();
	auto balances = co_await read_balances(exchange, *accounts);
	if (!balances)
		co_return balances.error();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("balances");
	out.begin_array();
	for (const Balance &balance : *balances)
		write_balance(out, exchange.caller->reaches(balance.account)
							   ? balance
							   : Balance{.account = balance.account});
	out.end_array();
	out.end_object();
	co_return response;
}

Reply get_account(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	if (!exchange.caller->reaches(exchange.id))
		co_return account_unknown();
	static const std::string sql =
		std::string("select ") + account_columns + " from tokpay.accounts where id = $1";
	const auto account =
		co_await run_statement(exchange, sql.c_str(), Repeat::yes, pg::int8(exchange.id));
	if (!account)
		co_return account.error();
	if (account->rows() == 0)
		co_return account_unknown();
	co_return conditional(exchange.request, account_response(*account).body);
}

Reply list_accounts(Exchange &exchange) {
	static const std::string select =
		std::string("select ") + account_columns + " from tokpay.accounts ";
	const auto given = parameters(exchange.request, {"name", "limit", "cursor"});
	if (!given)
		co_return given.error();
	if (const auto name = given->find("name"); name != given->end()) {
		static const std::string by_name = select + "where name = $1";
		const auto account =
			co_await run_statement(exchange, by_name.c_str(), Repeat::yes, pg::text(name->second));
		if (!account)
			co_return account.error();
		if (account->rows() == 0 || !exchange.caller->reaches(account->int8(0, 0)))
			co_return account_unknown();
		co_return account_response(*account);
	}
	const auto wanted = page(*given);
	if (!wanted)
		co_return wanted.error();
	static const std::string all =
		select + "where id > $1 and ($3 is null or id = any($3)) order by id limit $2";
	pg::Parameter reach{pg::int8_array_oid, std::nullopt};
	if (const auto &accounts = exchange.caller->accounts)
		reach = pg::int8_array(std::vector(accounts->begin(), accounts->end()));
	const auto accounts = co_await run_statement(exchange, all.c_str(), Repeat::yes,
		pg::int8(wanted->cursor.value_or(0)), pg::int8(wanted->limit + 1), std::move(reach));
	if (!accounts)
		co_return accounts.error();
	co_return page_response(
		*accounts, wanted->limit,
		[&](json::Writer &out, int row) { write_account(out, *accounts, row); },
		[&](int row) { return accounts->int8(row, 0); });
}

Reply open_account(Exchange &exchange) {
	const auto wanted = read_account(exchange.request.body);
	if (!wanted)
		co_return wanted.error();
	const std::vector<pg::Parameter> asked = {pg::text(wanted->name), pg::text(wanted->currency),
		pg::int8(wanted->min_balance), pg::int8(wanted->max_balance), pg::jsonb(wanted->metadata),
		pg::text(wanted->owner)};
	const auto opened =
		co_await run_statement(exchange, "select tokpay.open_account($1, $2, $3, $4, $5, $6)",
			wanted->name ? Repeat::yes : Repeat::no, asked);
	const bool name_taken =
		!opened && std::string_view(opened.error().code) == "name_taken" && wanted->name;
	if (!opened && !name_taken)
		co_return opened.error();

	// The same request again finds the account it opened.
	static const std::string by_name = std::string("select ") + account_columns +
									   " from tokpay.accounts where name = $1 and currency = $2"
									   " and min_balance is not distinct from $3"
									   " and max_balance is not distinct from $4"
									   " and metadata = $5 and owner is not distinct from $6";
	static const std::string by_id =
		std::string("select ") + account_columns + " from tokpay.accounts where id = $1";
	// Spelt out: GCC 12 miscompiles a conditional inside a co_await.
	const char *sql = by_name.c_str();
	std::vector<pg::Parameter> which = asked;
	if (!name_taken) {
		sql = by_id.c_str();
		which.assign(1, pg::int8(opened->int8(0, 0)));
	}
	const auto account = co_await run_statement(exchange, sql, Repeat::yes, std::move(which));
	if (!account) // the account may be open by now, and without a name nobody would find it
		co_return outcome_unknown();
	if (account->rows() == 0 || (name_taken && !exchange.caller->reaches(account->int8(0, 0))))
		co_return opened.error();
	Response response = account_response(*account);
	response.status = name_taken ? 200 : 201;
	response.headers.emplace_back(
		"Location", "/v1/accounts/" + std::to_string(account->int8(0, 0)));
	co_return response;
}

Reply get_entries(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"limit", "cursor"});
	if (!given)
		co_return given.error();
	const auto wanted = page(*given);
	if (!wanted)
		co_return wanted.error();
	if (!exchange.caller->reaches(exchange.id))
		co_return account_unknown();
	const auto entries = co_await run_statement(exchange,
		"select version, transfer, amount, balance, kind, counterparties, description, metadata, at"
		" from tokpay.history($1, $2, $3)",
		Repeat::yes, pg::int8(exchange.id), pg::int8(wanted->cursor),
		pg::int4(static_cast<int32_t>(wanted->limit + 1)));
	if (!entries)
		co_return std::string_view(entries.error().code) == "account_not_found" ? account_unknown()
																				: entries.error();
	co_return page_response(
		*entries, wanted->limit,
		[&](json::Writer &out, int row) { write_entry(out, *entries, row, *exchange.caller); },
		[&](int row) { return entries->int8(row, 0); });
}

} // namespace tokpay
