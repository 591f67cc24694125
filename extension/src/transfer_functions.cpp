// transfer, transfer_batch, top_up and transfer_by_key.

#include "call.hpp"
#include "fence.hpp"
#include "funding.hpp"
#include "statistics.hpp"

namespace tokpay {

namespace {

constexpr int request_fields = 7; // of a transfer_request

Request read_element(const NullableDatum *fields) {
	Request request = read_request(fields);
	request.in_chain = !fields[6].isnull;
	request.chain = request.in_chain ? DatumGetInt32(fields[6].value) : 0;
	return request;
}

void put_outcome(ReturnSetInfo *result, int position, const Outcome &outcome) {
	constexpr int columns = 13;
	Datum values[columns] = {};
	bool nulls[columns];
	std::fill(nulls, nulls + columns, true);
	const Refusal &refusal = outcome.refusal;
	if (refusal.code == Code::ok)
		fill_result(*outcome.row, outcome.replayed, values + 2, nulls + 2);
	values[0] = Int32GetDatum(position);
	nulls[0] = false;
	values[1] = CStringGetTextDatum(code_name(refusal.code));
	nulls[1] = false;
	values[9] = Int64GetDatum(refusal.account.value_or(0));
	nulls[9] = !refusal.account.has_value();
	values[10] = Int64GetDatum(refusal.balance);
	values[11] = Int64GetDatum(refusal.required);
	nulls[10] = nulls[11] = !refusal.has_amounts;
	nulls[12] = refusal.detail == nullptr;
	if (refusal.detail != nullptr)
		values[12] = CStringGetTextDatum(refusal.detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// The funding account of the account's currency; raises account_not_found.
int64 read_funding_account(int64 account) {
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	const std::optional<int64> funding = funding_account(account);
	if (!funding)
		raise_counted(account_not_found(account));
	PopActiveSnapshot();
	return *funding;
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_transfer) {
	tokpay::CallMemory memory;
	return tokpay::execute_one(fcinfo, tokpay::read_request(fcinfo->args), memory);
}

TOKPAY_FENCED_FUNCTION(tokpay_transfer_batch) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid_request("requests is null."));
	InitMaterializedSRF(fcinfo, 0);
	CallMemory memory;
	const auto requests = read_requests<request_fields>(PG_GETARG_ARRAYTYPE_P(0),
		[](int, const NullableDatum *fields) { return read_element(fields); });
	const auto outcomes = allocate<Outcome>(requests.size());
	execute_requests(requests, outcomes);
	count_call(outcomes);
	MemoryContext row_memory =
		AllocSetContextCreate(CurrentMemoryContext, "tokpay outcome", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(row_memory);
	for (size_t i = 0; i < outcomes.size(); i++) {
		put_outcome(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), static_cast<int>(i) + 1,
			outcomes[i]);
		MemoryContextReset(row_memory);
	}
	memory.release();
	return Datum(0);
}

TOKPAY_FENCED_FUNCTION(tokpay_top_up) {
	using namespace tokpay;
	CallMemory memory;
	Request request;
	request.kind = kind_top_up;
	request.key = text_argument(fcinfo, 2);
	request.description = text_argument(fcinfo, 3);
	if (PG_ARGISNULL(0))
		raise_counted(invalid_request("account is null."));
	if (PG_ARGISNULL(1))
		raise_counted(invalid_request("amount is null."));
	const int64 account = PG_GETARG_INT64(0);
	const int64 amount = PG_GETARG_INT64(1);
	if (amount <= 0)
		raise_counted(invalid_request(
			psprintf("amount is " INT64_FORMAT "; an amount is positive.", amount)));
	request.credits = {&account, 1};
	request.amounts = {&amount, 1};
	request.refusal = check_texts(request);
	if (request.refusal.code == Code::ok) {
		require_leader();
		request.debit = read_funding_account(account);
	}
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FENCED_FUNCTION(tokpay_transfer_by_key) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	const int64 debit = PG_GETARG_INT64(0);
	text *key = PG_GETARG_TEXT_PP(1);
	Relation journal = open_heap(catalog().journal, AccessShareLock);
	JournalReader reader(journal, GetActiveSnapshot());
	const JournalRow *row = reader.by_key(debit, key, key_hash(key, debit));
	const Datum result = row == nullptr ? Datum(0) : result_tuple(fcinfo, *row, true);
	reader.end();
	table_close(journal, NoLock);
	if (result == Datum(0))
		PG_RETURN_NULL();
	return result;
}
