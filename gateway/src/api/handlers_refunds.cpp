#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/execution.hpp"

#include <map>

namespace tokpay {

namespace {

// What every payee of a transfer that the caller reaches got of it. The database says balances of
// accounts in reach only.
std::map<int64_t, int64_t> own_credits(const TransferDocument &transfer) {
	std::map<int64_t, int64_t> credits;
	for (const LegDocument &credit : transfer.credits)
		if (credit.version)
			credits[credit.account] += credit.amount;
	return credits;
}

struct Payee {
	int64_t account;
};

// The payee who gives back; 422.
Result<Payee> payee_of(const TransferDocument &transfer, const RefundRequest &wanted) {
	if (transfer.kind != "transfer" && transfer.kind != "capture" && transfer.kind != "top_up")
		return Problem{422, "invalid_request",
			"Transfer " + std::to_string(transfer.id) + " is a " + std::string(transfer.kind) +
				"; transfers, captures and top-ups can be given back."};
	const auto credits = own_credits(transfer);
	auto payee = credits.begin();
	if (wanted.account)
		payee = credits.find(*wanted.account);
	else if (credits.size() > 1)
		return invalid_request({{"/account", "is needed: which of the payees gives back"}});
	if (payee == credits.end() || payee->second == 0)
		return invalid_request({{"/account", "is no payee of this transfer that you reach"}});
	if (wanted.amount.value_or(0) > payee->second)
		return invalid_request(
			{{"/amount", "is more than the " + std::to_string(payee->second) + " it got"}});
	return Payee{payee->first};
}

} // namespace

// How much is left to be given back is the database's to say, under the locks of both accounts.
Reply refund_transfer(Exchange &exchange) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	const auto wanted = read_refund(exchange.request.body);
	if (!wanted)
		co_return wanted.error();
	const auto receipt = co_await read_receipt(exchange, exchange.id);
	if (!receipt)
		co_return receipt.error();
	const TransferDocument transfer = transfer_document(*receipt, 0);
	const auto payee = payee_of(transfer, *wanted);
	if (!payee)
		co_return payee.error();
	const auto answer = co_await run_statement(exchange,
		"select amount, outcome from tokpay.gateway_refund($1, $2, $3, $4, $5, $6, $7)",
		Repeat::yes, pg::int8(transfer.id), pg::int8(payee->account), pg::int8(wanted->amount),
		pg::text(*key), pg::text(wanted->description), pg::text(exchange.caller->principal),
		pg::boolean(exchange.caller->fund));
	if (!answer)
		co_return answer.error();
	TransferRequest refund;
	refund.debit = payee->account;
	refund.credits.push_back({transfer.debit.account, answer->int8(0, 0)});
	refund.key += *key;
	refund.description = wanted->description;
	pg::Reader packed(answer->text(0, 1));
	read_epoch(packed);
	const PackedOutcomes outcomes(*answer, 1, packed);
	co_return answer_to(exchange.worker, refund, outcomes.front());
}

} // namespace tokpay
