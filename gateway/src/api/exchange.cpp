#include "api/exchange.hpp"

#include "api/object_reader.hpp"
#include "text/rfc3339.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

Problem wrong_parameter(const std::string &name, const std::string &what) {
	return {422, "invalid_request", "The query parameter " + name + " " + what + "."};
}

namespace {

// Adds each with what add says of it.
template<class Add> Result<Parameters> read_parameters(const HttpRequest &request, Add add) {
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
		if (std::optional<Problem> problem = add(found, decoded.key, decoded.value))
			return std::move(*problem);
	}
	return found;
}

} // namespace

Result<Parameters> parameters(const HttpRequest &request,
	std::initializer_list<std::string_view> allowed, std::string_view list) {
	const auto add = [&](Parameters &found, const std::string &name,
						 const std::string &value) -> std::optional<Problem> {
		if (std::ranges::find(allowed, name) == allowed.end())
			return wrong_parameter(name, "is not known here");
		const auto [place, is_first] = found.emplace(name, value);
		if (!is_first && name != list)
			return wrong_parameter(name, "comes twice");
		if (!is_first)
			place->second.append(",").append(value);
		return std::nullopt;
	};
	return read_parameters(request, add);
}

Result<Parameters> parameters(const HttpRequest &request) {
	const auto add = [](Parameters &found, const std::string &name,
						 const std::string &value) -> std::optional<Problem> {
		found.emplace(name, value);
		return std::nullopt;
	};
	return read_parameters(request, add);
}

namespace {

// What parse makes of a parameter.
template<class Parse>
Result<std::optional<int64_t>> parsed(
	const Parameters &parameters, const char *name, const char *what, Parse parse) {
	const auto given = parameters.find(name);
	if (given == parameters.end())
		return std::optional<int64_t>();
	const std::optional<int64_t> value = parse(given->second);
	if (!value)
		return wrong_parameter(name, what);
	return value;
}

} // namespace

Result<std::optional<int64_t>> id_parameter(const Parameters &parameters, const char *name) {
	return parsed(parameters, name,
		"is an id from 1 to 9223372036854775807, in digits without a leading zero", parse_id);
}

Result<std::optional<int64_t>> amount_parameter(const Parameters &parameters, const char *name) {
	return parsed(parameters, name,
		"is minor units from 0 to 9223372036854775807, in digits without a leading zero",
		[](std::string_view text) {
			return text == "0" ? std::optional<int64_t>(0) : parse_id(text);
		});
}

Result<std::optional<int64_t>> time_parameter(const Parameters &parameters, const char *name) {
	// "+01:00" is " 01:00" where the sign was not encoded; no time has a space there.
	const auto parse = [](std::string text) {
		constexpr size_t offset_bytes = 6;
		if (text.size() > offset_bytes && text[text.size() - offset_bytes] == ' ')
			text[text.size() - offset_bytes] = '+';
		return parse_time(text);
	};
	return parsed(parameters, name, "is a time such as 2026-01-31T23:59:59Z", parse);
}

Result<std::optional<std::string>> text_parameter(
	const Parameters &parameters, const char *name, size_t max_bytes) {
	const auto given = parameters.find(name);
	if (given == parameters.end())
		return std::optional<std::string>();
	if (given->second.size() > max_bytes || given->second.find('\0') != std::string::npos)
		return wrong_parameter(
			name, "is a text of at most " + std::to_string(max_bytes) + " bytes without U+0000");
	return std::optional(given->second);
}

asio::awaitable<Result<pg::Result>> run_statement(
	Exchange &exchange, const char *sql, Repeat repeat, std::vector<pg::Parameter> parameters) {
	auto &lane = exchange.worker.statements;
	auto ticket = std::make_shared<StatementCall::LaneType::TicketType>(
		StatementRequest{sql, std::move(parameters), repeat != Repeat::no});
	std::optional<Turns::Turn> turn;
	if (exchange.caller && exchange.caller->principal) {
		turn.emplace(
			exchange.worker.io, exchange.worker.statement_turns, *exchange.caller->principal);
		const bool has_come = co_await turn->comes(exchange.deadline);
		if (!has_come)
			co_return unsettled(lane.not_executed(), *ticket);
	}
	Settled settled = co_await lane.settle(ticket, exchange.deadline);
	exchange.epoch = ticket->epoch;
	if (settled == Settled::answered)
		co_return std::move(ticket->reply);
	if (settled == Settled::unknown &&
		(repeat == Repeat::reads || exchange.request.method == "GET"))
		settled = lane.not_executed();
	co_return unsettled(settled, *ticket);
}

asio::awaitable<Result<std::vector<Balance>>> read_balances(
	Exchange &exchange, std::vector<int64_t> accounts) {
	auto &lane = exchange.worker.reads;
	auto ticket = std::make_shared<BalanceCall::LaneType::TicketType>(
		BalanceRequest{std::move(accounts), exchange.caller->principal});
	Settled settled = co_await lane.settle(ticket, exchange.deadline);
	exchange.epoch = ticket->epoch;
	if (settled == Settled::answered)
		co_return std::move(ticket->reply);
	if (settled == Settled::unknown)
		settled = lane.not_executed();
	co_return unsettled(settled, *ticket);
}

asio::awaitable<Result<Names>> read_names(Exchange &exchange, std::vector<int64_t> accounts) {
	if (accounts.empty())
		co_return Names();
	const auto names =
		co_await run_statement(exchange, names_sql, Repeat::yes, pg::int8_array(accounts));
	if (!names)
		co_return names.error();
	co_return Names(*names);
}

} // namespace tokpay
