#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/execution.hpp"

namespace tokpay {

namespace {

// A transfer as it is now, of a row with the receipt_columns.
Reply transfer_response(Exchange &exchange, const pg::Result &receipt) {
	const TransferDocument transfer = transfer_document(receipt, 0);
	const auto names = co_await read_names(exchange, accounts_of(transfer));
	if (!names)
		co_return names.error();
	const auto refunds = co_await run_statement(exchange,
		"select account, amount from tokpay.gateway_refunds($1, $2)", Repeat::yes,
		pg::int8(transfer.id), pg::text(exchange.caller->principal));
	if (!refunds)
		co_return refunds.error();
	Response response;
	json::Writer out(response.body);
	write_transfer(out, transfer, *names, *refunds);
	co_return response;
}

// {code, replayed, transfer, account, balance, required, available, detail}
void write_result(
	json::Writer &out, const TransferRequest &request, const TransferOutcome &outcome) {
	out.begin_object();
	out.member("code", outcome.code);
	out.member("replayed", outcome.replayed);
	out.name("transfer");
	if (outcome.ok())
		write_transfer(out, transfer_document(request, outcome));
	else
		out.value(std::nullopt);
	out.member(
		"account", outcome.account ? std::optional(json::Id{*outcome.account}) : std::nullopt);
	out.member("balance", outcome.balance);
	out.member("required", outcome.required);
	out.member("available", outcome.available);
	out.member("detail", outcome.ok() ? std::nullopt : std::optional(outcome.detail));
	out.end_object();
}

// For an owner, within limits that the database knows.
Reply execute_demo_top_up(Exchange &exchange, TransferRequest &request) {
	const auto answer =
		co_await run_statement(exchange, "select tokpay.gateway_demo_top_up($1, $2, $3, $4)",
			Repeat::yes, pg::int8(request.credits[0].account), pg::int8(request.credits[0].amount),
			pg::text(request.key), pg::text(exchange.caller->principal));
	if (!answer)
		co_return answer.error();
	pg::Reader packed(answer->text(0, 0));
	read_epoch(packed);
	const PackedOutcomes outcomes(*answer, 1, packed);
	co_return answer_to(exchange.worker, request, outcomes.front());
}

} // namespace

Reply post_transfer(Exchange &exchange) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	auto transfer = read_transfer_body(exchange.request.body);
	if (!transfer)
		co_return transfer.error();
	co_return co_await execute_one(exchange, *transfer);
}

Reply post_transfer_batch(Exchange &exchange) {
	auto transfers = read_transfer_batch(exchange.request.body);
	if (!transfers)
		co_return transfers.error();
	const auto executed = co_await execute(exchange, std::move(*transfers));
	if (!executed)
		co_return executed.error();
	const auto &ticket = **executed;
	Response response;
	response.body.reserve(ticket.request.transfers.size() * common_transfer_bytes);
	json::Writer out(response.body);
	out.begin_object();
	out.name("results");
	out.begin_array();
	auto request = ticket.request.transfers.begin();
	ticket.reply.for_each([&](const TransferOutcome &outcome) {
		write_result(out, *request++, outcome);
		exchange.worker.metrics.replays.add(outcome.replayed ? 1 : 0);
	});
	out.end_array();
	out.end_object();
	co_return response;
}

Reply get_transfer(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const auto receipt = co_await read_receipt(exchange, exchange.id);
	if (!receipt)
		co_return receipt.error();
	co_return co_await transfer_response(exchange, *receipt);
}

Reply find_transfer(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"debit", "key"});
	if (!given)
		co_return given.error();
	const auto debit = id_parameter(*given, "debit");
	if (!debit)
		co_return debit.error();
	const auto key = given->find("key");
	if (!*debit || key == given->end())
		co_return Problem{422, "invalid_request", "The query parameters debit and key are needed."};
	static const std::string sql = std::string("select ") + receipt_columns +
								   " from tokpay.gateway_transfer_by_key($1, $2, $3)";
	const auto receipt = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::int8(**debit), pg::text(key->second), pg::text(exchange.caller->principal));
	if (!receipt)
		co_return receipt.error();
	if (receipt->rows() == 0)
		co_return not_found("No transfer with this key is committed yet; it may still be. Repeat "
							"the request with its key to settle it.");
	co_return co_await transfer_response(exchange, *receipt);
}

Reply post_top_up(Exchange &exchange) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	const auto top_up = read_top_up(exchange.request.body);
	if (!top_up)
		co_return top_up.error();
	TransferRequest request{.kind = "top_up"};
	request.credits.push_back({top_up->account, top_up->amount});
	request.key = "top_up/" + std::to_string(top_up->account) + '/';
	if (exchange.caller->fund)
		co_return co_await execute_one(exchange, request);
	request.key += *key;
	co_return co_await execute_demo_top_up(exchange, request);
}

} // namespace tokpay
