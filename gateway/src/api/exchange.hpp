// A request on its way through a handler, and what several handlers do with it.
#pragma once

#include "http/http.hpp"
#include "ledger/names.hpp"
#include "process/worker.hpp"

#include <initializer_list>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tokpay {

struct Exchange {
	Worker &worker;
	const HttpRequest &request;
	int64_t id = 0;				// {id} of the path, where the route has one
	std::string_view part = {}; // what stands there, whatever its name
	CallerPtr caller;
	Clock::time_point deadline;
	std::vector<std::pair<const char *, std::string>> headers = {}; // of the answer, whatever it is
	std::optional<Epoch> epoch = {};								// of the data in it
};

// The parameters of the query string, decoded; 422 for one that is not in allowed or comes twice.
// list may come more than once: its values with commas between them.
using Parameters = std::unordered_map<std::string, std::string>;
Result<Parameters> parameters(const HttpRequest &request,
	std::initializer_list<std::string_view> allowed, std::string_view list = {});

// All of them, whatever they are called; the first of those that come twice.
Result<Parameters> parameters(const HttpRequest &request);

// 422 about a parameter: "is a number", say.
Problem wrong_parameter(const std::string &name, const std::string &what);

// A parameter of some kind, nothing where it is missing; 422 where it is not of that kind.
Result<std::optional<int64_t>> id_parameter(const Parameters &parameters, const char *name);
Result<std::optional<int64_t>> amount_parameter(const Parameters &parameters, const char *name);
// RFC 3339; microseconds since 2000-01-01 UTC.
Result<std::optional<int64_t>> time_parameter(const Parameters &parameters, const char *name);
// A text of at most max_bytes without U+0000.
Result<std::optional<std::string>> text_parameter(
	const Parameters &parameters, const char *name, size_t max_bytes);

// The problem that a ticket without an answer is.
template<class Ticket> Problem unsettled(Settled settled, const Ticket &ticket) {
	switch (settled) {
	case Settled::refused:
		return database_problem(ticket.sqlstate, ticket.message);
	case Settled::unknown:
		return outcome_unknown();
	case Settled::no_leader:
		return not_leader();
	default:
		return overloaded();
	}
}

// Runs a statement on the statement lane. It may be repeated where it changes nothing when it comes
// again; what only reads has no outcome that could be unknown.
enum class Repeat { no, yes, reads };
boost::asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, std::vector<pg::Parameter> parameters);

// The same with the parameters one by one, since a co_await takes no braced list (README.md).
template<class... Parameter>
boost::asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, Parameter... parameters) {
	return run_statement(
		exchange, sql, repeat, std::vector<pg::Parameter>{std::move(parameters)...});
}

// Balances in one snapshot, in the order of the ids; unknown where they are out of reach.
boost::asio::awaitable<Result<std::vector<Balance>>> read_balances(
	Exchange &exchange, std::vector<int64_t> accounts);

// What the people behind accounts are called; the database is not asked about none.
boost::asio::awaitable<Result<Names>> read_names(Exchange &exchange, std::vector<int64_t> accounts);

} // namespace tokpay
