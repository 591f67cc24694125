#include "api/execution.hpp"

#include "api/body_reader.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

Problem refused(const TransferOutcome &outcome) {
	Problem problem = refusal_problem(outcome.code, std::string(outcome.detail));
	problem.account = outcome.account;
	problem.balance = outcome.balance;
	problem.required = outcome.required;
	problem.available = outcome.available;
	return problem;
}

} // namespace

asio::awaitable<Result<TransferTicketPtr>> execute(
	Exchange &exchange, std::vector<TransferRequest> transfers) {
	for (TransferRequest &transfer : transfers)
		transfer.principal = exchange.caller->principal;
	auto &lane =
		exchange.caller->fund ? exchange.worker.funded_transfers : exchange.worker.transfers;
	auto ticket =
		std::make_shared<TransferCall::LaneType::TicketType>(TransferWork{std::move(transfers)});
	const Settled settled = co_await lane.settle(ticket, exchange.deadline);
	exchange.epoch = ticket->epoch;
	if (settled != Settled::answered)
		co_return unsettled(settled, *ticket);
	co_return ticket;
}

Reply execute_one(Exchange &exchange, TransferRequest &request) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	request.key += *key;
	std::vector<TransferRequest> transfers;
	transfers.push_back(std::move(request));
	const auto executed = co_await execute(exchange, std::move(transfers));
	if (!executed)
		co_return executed.error();
	const auto &ticket = **executed;
	co_return answer_to(exchange.worker, ticket.request.transfers.front(), ticket.reply.front());
}

Result<Response> answer_to(
	Worker &worker, const TransferRequest &request, const TransferOutcome &outcome) {
	if (!outcome.ok())
		return refused(outcome);
	Response response{.status = outcome.replayed ? 200u : 201u};
	response.body.reserve(common_transfer_bytes);
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

asio::awaitable<Result<pg::Result>> read_receipt(Exchange &exchange, int64_t id) {
	static const std::string sql =
		std::string("select ") + receipt_columns + " from tokpay.gateway_transfer($1, $2)";
	auto receipt = co_await run_statement(
		exchange, sql.c_str(), Repeat::yes, pg::int8(id), pg::text(exchange.caller->principal));
	if (receipt && receipt->rows() == 0)
		co_return transfer_unknown();
	co_return receipt;
}

} // namespace tokpay
