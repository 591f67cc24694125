#include "exchange.hpp"

#include "body_reader.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr int64_t default_page_size = 100;
constexpr int64_t max_page_size = 1000;

Problem wrong_parameter(const std::string &name, const std::string &what) {
	return {422, "invalid_request", "The query parameter " + name + " " + what + "."};
}

} // namespace

Result<Parameters> parameters(
	const HttpRequest &request, std::initializer_list<std::string_view> allowed) {
	Parameters found;
	if (request.target.find('?') == std::string_view::npos)
		return found;
	// Not parse_query: in Boost 1.81 it reads beyond the end of the text.
	const auto url = boost::urls::parse_origin_form({request.target.data(), request.target.size()});
	if (!url)
		return Problem{400, "bad_request", "The query string is not valid."};
	for (const auto &decoded : url->params()) {
		if (decoded.key.empty() && !decoded.has_value) // as in "?" and "?limit=5&"
			continue;
		if (std::ranges::find(allowed, decoded.key) == allowed.end())
			return wrong_parameter(decoded.key, "is not known here");
		if (!found.emplace(decoded.key, decoded.value).second)
			return wrong_parameter(decoded.key, "comes twice");
	}
	return found;
}

Result<Page> page(const Parameters &parameters) {
	Page page{.limit = default_page_size, .cursor = {}};
	if (const auto limit = parameters.find("limit"); limit != parameters.end()) {
		page.limit = parse_id(limit->second).value_or(0);
		if (page.limit < 1 || page.limit > max_page_size)
			return wrong_parameter("limit", "is a number from 1 to 1000");
	}
	if (const auto cursor = parameters.find("cursor"); cursor != parameters.end()) {
		page.cursor = parse_id(cursor->second);
		if (!page.cursor)
			return wrong_parameter("cursor", "is the next_cursor of the page before");
	}
	return page;
}

asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, std::vector<pg::Parameter> parameters) {
	auto ticket = std::make_shared<StatementCall::LaneType::TicketType>(
		StatementRequest{sql, std::move(parameters), repeat == Repeat::yes});
	switch (co_await exchange.worker.statements.settle(ticket, exchange.deadline)) {
	case Settled::answered:
		co_return std::move(ticket->reply);
	case Settled::refused:
		co_return database_problem(ticket->sqlstate, ticket->message);
	case Settled::unknown:
		if (exchange.request.method != "GET")
			co_return outcome_unknown();
		[[fallthrough]]; // a read has no outcome
	default:
		co_return overloaded();
	}
}

asio::awaitable<Result<std::vector<Balance>>> read_balances(
	Exchange &exchange, std::vector<int64_t> accounts) {
	auto ticket =
		std::make_shared<BalanceCall::LaneType::TicketType>(BalanceRequest{std::move(accounts)});
	switch (co_await exchange.worker.reads.settle(ticket, exchange.deadline)) {
	case Settled::answered:
		co_return std::move(ticket->reply);
	case Settled::refused:
		co_return database_problem(ticket->sqlstate, ticket->message);
	default:
		co_return overloaded();
	}
}

} // namespace tokpay
