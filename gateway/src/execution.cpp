#include "execution.hpp"

#include "body_reader.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

Problem refused(const TransferOutcome &outcome) {
	Problem problem = refusal_problem(outcome.code, outcome.detail);
	problem.account = outcome.account;
	problem.balance = outcome.balance;
	problem.required = outcome.required;
	problem.available = outcome.available;
	return problem;
}

} // namespace

asio::awaitable<Result<std::vector<TransferOutcome>>> execute(
	Exchange &exchange, std::vector<TransferRequest> transfers) {
	for (TransferRequest &transfer : transfers)
		transfer.principal = exchange.caller->principal;
	auto &lane =
		exchange.caller->fund ? exchange.worker.funded_transfers : exchange.worker.transfers;
	auto ticket =
		std::make_shared<TransferCall::LaneType::TicketType>(TransferWork{std::move(transfers)});
	switch (co_await lane.settle(ticket, exchange.deadline)) {
	case Settled::answered:
		co_return std::move(ticket->reply);
	case Settled::refused:
		co_return database_problem(ticket->sqlstate, ticket->message);
	case Settled::unknown:
		co_return outcome_unknown();
	default:
		co_return overloaded();
	}
}

Reply execute_one(Exchange &exchange, TransferRequest &request) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	request.key += *key;
	const auto outcomes = co_await execute(exchange, std::vector(1, request));
	if (!outcomes)
		co_return outcomes.error();
	co_return answer_to(exchange.worker, request, outcomes->front());
}

Result<Response> answer_to(
	Worker &worker, const TransferRequest &request, const TransferOutcome &outcome) {
	if (!outcome.ok())
		return refused(outcome);
	Response response{.status = outcome.replayed ? 200u : 201u};
	json::Writer out(response.body);
	write_transfer(out, transfer_document(request, outcome));
	response.headers.emplace_back("Location", "/v1/transfers/" + std::to_string(outcome.transfer));
	if (outcome.replayed) {
		response.headers.emplace_back("Idempotency-Replayed", "true");
		worker.metrics.replays.add();
	}
	return response;
}

Problem transfer_unknown() {
	return not_found("There is no such transfer.");
}

Problem as_path_problem(Problem problem) {
	const std::string_view code = problem.code;
	if (code == "account_not_found")
		return not_found("There is no such account.");
	if (code == "transfer_not_found")
		return transfer_unknown();
	return problem;
}

asio::awaitable<Result<TransferDocument>> read_transfer(Exchange &exchange, int64_t id) {
	static const std::string sql =
		std::string("select ") + receipt_columns + " from tokpay.gateway_transfer($1, $2)";
	const auto receipt = co_await run_statement(
		exchange, sql.c_str(), Repeat::yes, pg::int8(id), pg::text(exchange.caller->principal));
	if (!receipt)
		co_return receipt.error();
	if (receipt->rows() == 0)
		co_return transfer_unknown();
	co_return transfer_document(*receipt, 0);
}

} // namespace tokpay
