#include "handlers.hpp"

#include "body_reader.hpp"
#include "execution.hpp"

#include <algorithm>
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

// The transfer back to the payer; 422.
Result<TransferRequest> refund_of(const TransferDocument &transfer, const RefundRequest &wanted) {
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
	const int64_t amount = wanted.amount.value_or(payee->second);
	if (amount > payee->second)
		return invalid_request(
			{{"/amount", "is more than the " + std::to_string(payee->second) + " it got"}});
	TransferRequest refund;
	refund.debit = payee->first;
	refund.credits.push_back({transfer.debit.account, amount});
	refund.description = wanted.description;
	return refund;
}

enum class KeyUse { first, again };

// Whether the payee has used this key: then the request is a repetition.
boost::asio::awaitable<Result<KeyUse>> key_use(Exchange &exchange, int64_t payee, std::string key) {
	const auto found = co_await run_statement(exchange,
		"select exists (select from tokpay.transfer_by_key($1, $2) t where t.transfer is not null)",
		Repeat::yes, pg::int8(payee), pg::text(key));
	if (!found)
		co_return found.error();
	if (found->boolean(0, 0))
		co_return KeyUse::again;
	co_return KeyUse::first;
}

} // namespace

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
	auto refund = refund_of(transfer, *wanted);
	if (!refund)
		co_return refund.error();
	if (transfer.reversed_by) {
		const auto use = co_await key_use(exchange, refund->debit, *key);
		if (!use)
			co_return use.error();
		if (*use == KeyUse::first)
			co_return refusal_problem("already_reversed",
				"Transfer " + std::to_string(transfer.id) + " was reversed by transfer " +
					std::to_string(*transfer.reversed_by) + ".");
	}
	co_return co_await execute_one(exchange, *refund);
}

} // namespace tokpay
