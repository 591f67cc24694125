#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/documents.hpp"
#include "api/execution.hpp"
#include "api/page.hpp"
#include "http/conditional.hpp"

namespace tokpay {

namespace {

Problem account_unknown() {
	return not_found("There is no such account.");
}

constexpr size_t max_name_bytes = 255;

const std::string select_account = std::string("select ") + account_columns + " from ";

Response account_response(const pg::Result &account) {
	Response response;
	json::Writer out(response.body);
	write_account(out, account, 0);
	return response;
}

} // namespace

namespace {

// The balance as it was right after the last entry at or before a time; what was held then is not
// known.
Reply get_balance_at(Exchange &exchange, int64_t at) {
	const auto found = co_await run_statement(exchange,
		"select currency, balance, version from tokpay.gateway_balance_at($1, $2, $3)", Repeat::yes,
		pg::int8(exchange.id), pg::timestamptz(at), pg::text(exchange.caller->principal));
	if (!found)
		co_return as_path_problem(found.error());
	std::string body;
	json::Writer out(body);
	out.begin_object();
	out.member("account", json::Id{exchange.id});
	out.member("currency", found->text(0, 0));
	out.member("balance", found->int8(0, 1));
	out.member("held", std::nullopt);
	out.member("available", std::nullopt);
	out.member("version", found->int8(0, 2));
	out.end_object();
	co_return conditional(exchange.request, std::move(body));
}

} // namespace

Response balance_response(const Balance &balance) {
	if (!balance.known)
		return to_response(account_unknown());
	Response response;
	response.body.reserve(common_balance_bytes);
	json::Writer out(response.body);
	write_balance(out, balance);
	response.headers.emplace_back("ETag", etag(response.body));
	return response;
}

Reply get_balance(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"at"});
	if (!given)
		co_return given.error();
	const auto at = time_parameter(*given, "at");
	if (!at)
		co_return at.error();
	if (*at)
		co_return co_await get_balance_at(exchange, **at);
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
	response.body.reserve(balances->size() * common_balance_bytes);
	json::Writer out(response.body);
	out.begin_object();
	out.name("balances");
	out.begin_array();
	for (const Balance &balance : *balances)
		write_balance(out, balance);
	out.end_array();
	out.end_object();
	co_return response;
}

Reply get_account(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	static const std::string sql = select_account + "tokpay.gateway_account($1, $2)";
	const auto account = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::int8(exchange.id), pg::text(exchange.caller->principal));
	if (!account)
		co_return account.error();
	if (account->rows() == 0)
		co_return account_unknown();
	co_return conditional(exchange.request, account_response(*account).body);
}

namespace {

// The account with this name, where the caller reaches it.
Reply get_account_by_name(Exchange &exchange, std::string name) {
	static const std::string sql =
		select_account + "tokpay.accounts where name = $1 and tokpay.reaches($2, id)";
	const auto account = co_await run_statement(
		exchange, sql.c_str(), Repeat::yes, pg::text(name), pg::text(exchange.caller->principal));
	if (!account)
		co_return account.error();
	if (account->rows() == 0)
		co_return account_unknown();
	co_return account_response(*account);
}

} // namespace

Reply list_accounts(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"name", "limit", "cursor"});
	if (!given)
		co_return given.error();
	const auto name = text_parameter(*given, "name", max_name_bytes);
	if (!name)
		co_return name.error();
	if (*name)
		co_return co_await get_account_by_name(exchange, **name);
	const auto wanted = page(exchange.request, *given);
	if (!wanted)
		co_return wanted.error();
	static const std::string sql = select_account + "tokpay.gateway_accounts($1, $2, $3)";
	const auto accounts = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::text(exchange.caller->principal), pg::int8(wanted->after.value_or(0)),
		pg::int4(static_cast<int32_t>(wanted->limit + 1)));
	if (!accounts)
		co_return accounts.error();
	co_return page_response(*wanted, *accounts,
		[&](json::Writer &out, int row) { write_account(out, *accounts, row); });
}

// Another transaction may be about to take the name; a row of FROM is there before the select list.
constexpr const char *open_account_sql = "select tokpay.open_account($1, $2, $3, $4, $5, $6)"
										 " from set_config('lock_timeout', '200ms', true)";

Reply open_account(Exchange &exchange) {
	const auto wanted = read_account(exchange.request.body);
	if (!wanted)
		co_return wanted.error();
	const std::vector<pg::Parameter> asked = {pg::text(wanted->name), pg::text(wanted->currency),
		pg::int8(wanted->min_balance), pg::int8(wanted->max_balance), pg::jsonb(wanted->metadata),
		pg::text(wanted->owner)};
	const auto opened = co_await run_statement(
		exchange, open_account_sql, wanted->name ? Repeat::yes : Repeat::no, asked);
	const bool name_taken =
		!opened && std::string_view(opened.error().code) == "name_taken" && wanted->name;
	if (!opened && opened.error().detail.starts_with("There is no currency"))
		co_return invalid_request({{"/currency", "is not known"}});
	if (!opened && !name_taken)
		co_return opened.error();

	// The same request again finds the account it opened, where the caller reaches it.
	static const std::string by_name = select_account +
									   "tokpay.accounts where name = $1 and currency = $2"
									   " and min_balance is not distinct from $3"
									   " and max_balance is not distinct from $4"
									   " and metadata = $5 and owner is not distinct from $6"
									   " and tokpay.reaches($7, id)";
	static const std::string by_id = select_account + "tokpay.accounts where id = $1";
	// Spelt out: GCC 12 miscompiles a conditional inside a co_await.
	const char *sql = by_name.c_str();
	std::vector<pg::Parameter> which = asked;
	which.push_back(pg::text(exchange.caller->principal));
	if (!name_taken) {
		sql = by_id.c_str();
		which.assign(1, pg::int8(opened->int8(0, 0)));
	}
	const auto account = co_await run_statement(exchange, sql, Repeat::yes, std::move(which));
	if (!account) // the account may be open by now, and without a name nobody would find it
		co_return outcome_unknown();
	if (account->rows() == 0)
		co_return opened.error();
	Response response = account_response(*account);
	response.status = name_taken ? 200 : 201;
	response.headers.emplace_back(
		"Location", "/v1/accounts/" + std::to_string(account->int8(0, 0)));
	co_return response;
}

Reply patch_account(Exchange &exchange) {
	const auto patch = read_account_patch(exchange.request.body);
	if (!patch)
		co_return patch.error();
	std::optional<std::string> expected;
	if (exchange.request.header("If-Match")) {
		static const std::string read = std::string("select ") + account_columns +
										", a::text from tokpay.gateway_account($1, $2) a";
		const auto present = co_await run_statement(exchange, read.c_str(), Repeat::yes,
			pg::int8(exchange.id), pg::text(exchange.caller->principal));
		if (!present)
			co_return present.error();
		if (present->rows() == 0)
			co_return account_unknown();
		if (!meets_if_match(exchange.request, account_response(*present).body))
			co_return precondition_failed();
		expected = present->text(0, 12);
	}
	static const std::string sql = select_account + "tokpay.gateway_patch_account($1, $2, $3, $4)";
	// The same patch again changes nothing more, but an expectation is met once.
	Repeat repeat = Repeat::yes;
	if (expected)
		repeat = Repeat::no;
	const auto account =
		co_await run_statement(exchange, sql.c_str(), repeat, pg::int8(exchange.id),
			pg::text(exchange.caller->principal), pg::jsonb(*patch), pg::text(expected));
	if (!account)
		co_return as_path_problem(account.error());
	if (account->rows() == 0)
		co_return precondition_failed();
	Response response = account_response(*account);
	response.headers.emplace_back("ETag", etag(response.body));
	co_return response;
}

} // namespace tokpay
