#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/execution.hpp"
#include "api/page.hpp"

namespace tokpay {

namespace {

// Holds are for those who sell: owners of accounts do not make them.
std::optional<Problem> refuse_owner(const Exchange &exchange) {
	const auto &principal = exchange.caller->principal;
	if (principal && principal->starts_with("owner:"))
		return Problem{403, "forbidden", "Holds are for API keys."};
	return std::nullopt;
}

// Executes what is asked about the hold or transfer of the path.
Reply execute_about(Exchange &exchange, Result<TransferRequest> request) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	if (!request)
		co_return request.error();
	request->target = exchange.id;
	auto result = co_await execute_one(exchange, *request);
	if (!result)
		co_return as_path_problem(result.error());
	co_return std::move(*result);
}

// The ledger's refusal of amounts as the client has sent them: it counts them from 1, and names
// them at the head of its detail (extension/src/target.cpp).
Problem as_amounts_problem(Problem problem) {
	constexpr std::string_view element = "amounts[";
	const std::string &detail = problem.detail;
	if (detail.starts_with("There are "))
		return invalid_request({{"/amounts", detail}});
	if (!detail.starts_with(element))
		return problem;
	const size_t place = std::strtoul(detail.c_str() + element.size(), nullptr, 10);
	const size_t rest = std::min(detail.find("] ") + 2, detail.size());
	return invalid_request({{"/amounts/" + std::to_string(place - 1), detail.substr(rest)}});
}

} // namespace

Reply post_hold(Exchange &exchange) {
	if (const auto refused = refuse_owner(exchange))
		co_return *refused;
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	auto hold = read_hold(exchange.request.body);
	if (!hold)
		co_return hold.error();
	co_return co_await execute_one(exchange, *hold);
}

Reply capture_hold(Exchange &exchange) {
	if (const auto refused = refuse_owner(exchange))
		co_return *refused;
	auto captured = co_await execute_about(exchange, read_capture(exchange.request.body));
	if (!captured)
		co_return as_amounts_problem(captured.error());
	co_return std::move(*captured);
}

Reply void_hold(Exchange &exchange) {
	if (const auto refused = refuse_owner(exchange))
		co_return *refused;
	co_return co_await execute_about(exchange, read_void(exchange.request.body));
}

Reply reverse_transfer(Exchange &exchange) {
	co_return co_await execute_about(exchange, read_reverse(exchange.request.body));
}

Reply list_holds(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"account", "limit", "cursor"});
	if (!given)
		co_return given.error();
	const auto account = id_parameter(*given, "account");
	if (!account)
		co_return account.error();
	if (!*account)
		co_return wrong_parameter("account", "is needed: the id of the account that would pay");
	const auto wanted = page(exchange.request, *given);
	if (!wanted)
		co_return wanted.error();
	static const std::string sql =
		std::string("select ") + receipt_columns + " from tokpay.gateway_holds($1, $2, $3, $4)";
	const auto holds = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::int8(**account), pg::text(exchange.caller->principal),
		pg::int8(wanted->after.value_or(0)), pg::int4(static_cast<int32_t>(wanted->limit + 1)));
	if (!holds)
		co_return as_path_problem(holds.error());
	co_return page_response(*wanted, *holds,
		[&](json::Writer &out, int row) { write_transfer(out, transfer_document(*holds, row)); });
}

} // namespace tokpay
