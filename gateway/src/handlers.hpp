// The endpoints of the API, one function each; router.cpp says which path and scope.
#pragma once

#include "router.hpp"

namespace tokpay {

using Reply = boost::asio::awaitable<Result<Response>>;

// handlers_accounts.cpp
Reply get_balance(Exchange &exchange);
Reply query_balances(Exchange &exchange);
Reply get_account(Exchange &exchange);
Reply list_accounts(Exchange &exchange);
Reply open_account(Exchange &exchange);
Reply get_entries(Exchange &exchange);

// handlers_transfers.cpp
Reply post_transfer(Exchange &exchange);
Reply post_transfer_batch(Exchange &exchange);
Reply get_transfer(Exchange &exchange);
Reply find_transfer(Exchange &exchange);
Reply post_top_up(Exchange &exchange);

// What several of them need.

// The parameters of the query string, decoded; 422 for one that is not in allowed or comes twice.
using Parameters = std::unordered_map<std::string, std::string>;
Result<Parameters> parameters(
	const HttpRequest &request, std::initializer_list<std::string_view> allowed);

// limit and cursor of a paged list. 422 where one is not a number in range.
struct Page {
	int64_t limit;				   // 1 to 1,000
	std::optional<int64_t> cursor; // what next_cursor said
};
Result<Page> page(const Parameters &parameters);

// Runs a statement on the statement lane. It may be repeated where it changes nothing, or nothing
// when it comes again.
enum class Repeat : bool { no, yes };
boost::asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, std::vector<pg::Parameter> parameters);

// The same with the parameters one by one: GCC 12 compiles no braced list inside a co_await.
template<class... Parameter>
boost::asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, Parameter... parameters) {
	return run_statement(
		exchange, sql, repeat, std::vector<pg::Parameter>{std::move(parameters)...});
}

// Balances in one snapshot, in the order of the ids.
boost::asio::awaitable<Result<std::vector<Balance>>> read_balances(
	Exchange &exchange, std::vector<int64_t> accounts);

} // namespace tokpay
