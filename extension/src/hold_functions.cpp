// hold, capture, void, reverse and expire_holds.

#include "call.hpp"

namespace tokpay {

namespace {

constexpr int64 max_expiry_days = 36525; // a hundred years
constexpr int32 max_expired_per_call = 100000;

// A month has 30 days here, as in comparisons of intervals.
Refusal check_expires_in(const Interval *interval) {
	const __int128 days = static_cast<__int128>(interval->month) * DAYS_PER_MONTH + interval->day;
	const __int128 microseconds = days * USECS_PER_DAY + interval->time;
	if (microseconds <= 0)
		return invalid_request("expires_in is positive, or null for never.");
	if (microseconds > static_cast<__int128>(max_expiry_days) * USECS_PER_DAY)
		return invalid_request("expires_in is at most 100 years, or null for never.");
	return {};
}

// Whether it exists by now, whatever the transaction's snapshot sees.
bool exists_by_now(Relation journal, int64 id) {
	Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
	JournalReader reader(journal, latest);
	const bool exists = reader.by_id(id) != nullptr;
	reader.end();
	UnregisterSnapshot(latest);
	return exists;
}

// The transfer that a capture, void or reverse is about, kept for the call. It never changes, so no
// lock is needed to read it.
const JournalRow *read_target(int64 id) {
	require_leader();
	CommandCounterIncrement();
	Relation heap = open_heap(catalog().journal, AccessShareLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	JournalReader reader(heap, GetActiveSnapshot());
	const JournalRow *row = reader.by_id(id);
	if (row == nullptr && IsolationUsesXactSnapshot() && exists_by_now(heap, id))
		raise_serialization_failure();
	if (row == nullptr || row->kind == kind_expiry)
		raise(transfer_not_found(id));
	const auto *copy = new (palloc(sizeof(JournalRow))) JournalRow(without_texts(*row));
	reader.end();
	PopActiveSnapshot();
	table_close(heap, NoLock);
	return copy;
}

// A request for the target's accounts and, scaled by sign, its amounts.
Request request_about(char kind, const JournalRow *target, int64 sign) {
	const auto credits = allocate<int64>(target->legs.size());
	const auto amounts = allocate<int64>(target->legs.size());
	for (size_t i = 0; i < credits.size(); i++) {
		credits[i] = target->legs[i].account;
		amounts[i] = sign * target->legs[i].amount;
	}
	Request request;
	request.kind = kind;
	request.debit = target->debit;
	request.credits = credits;
	request.amounts = amounts;
	request.target = target;
	return request;
}

// What can be said of a capture's amounts without its hold.
Refusal read_captured(ArrayType *array, std::span<const int64> *amounts) {
	if (Refusal refusal = read_bigints("amounts", array, amounts); refusal.code != Code::ok)
		return refusal;
	for (size_t i = 0; i < amounts->size(); i++)
		if ((*amounts)[i] < 0)
			return invalid_request(
				psprintf("amounts[%zu] is " INT64_FORMAT "; an amount is not negative.", i + 1,
					(*amounts)[i]));
	return {};
}

// Puts a partial capture's amounts in place of the hold's.
Refusal capture_partly(std::span<const int64> amounts, Request *request) {
	const std::span<const int64> held = request->amounts;
	if (amounts.size() != held.size())
		return invalid_request(psprintf(
			"There are %zu amounts; the hold has %zu credits.", amounts.size(), held.size()));
	bool any = false;
	for (size_t i = 0; i < held.size(); i++) {
		if (amounts[i] > held[i])
			return invalid_request(
				psprintf("amounts[%zu] is " INT64_FORMAT "; the hold allows 0 to " INT64_FORMAT ".",
					i + 1, amounts[i], held[i]));
		any |= amounts[i] > 0;
	}
	if (!any)
		return invalid_request("amounts are all 0; tokpay.void() releases a hold.");
	request->amounts = amounts;
	return {};
}

} // namespace

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_hold) {
	using namespace tokpay;
	CallMemory memory;
	const NullableDatum fields[] = {fcinfo->args[0], fcinfo->args[1], fcinfo->args[2],
		fcinfo->args[3], fcinfo->args[5], fcinfo->args[6]};
	Request request = read_request(fields);
	request.kind = kind_hold;
	request.expires_in = PG_ARGISNULL(4) ? nullptr : PG_GETARG_INTERVAL_P(4);
	if (request.refusal.code == Code::ok && request.expires_in != nullptr)
		request.refusal = check_expires_in(request.expires_in);
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FUNCTION(tokpay_capture) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise(invalid_request("hold is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 2);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise(refusal);
	std::span<const int64> amounts;
	if (!PG_ARGISNULL(1))
		if (Refusal refusal = read_captured(PG_GETARG_ARRAYTYPE_P(1), &amounts);
			refusal.code != Code::ok)
			raise(refusal);
	Request request = request_about(kind_capture, read_target(PG_GETARG_INT64(0)), 1);
	request.key = keyed.key;
	if (!PG_ARGISNULL(1) && request.target->kind == kind_hold)
		request.refusal = capture_partly(amounts, &request);
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FUNCTION(tokpay_void) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise(invalid_request("hold is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 1);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise(refusal);
	Request request = request_about(kind_void, read_target(PG_GETARG_INT64(0)), 1);
	request.key = keyed.key;
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FUNCTION(tokpay_reverse) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise(invalid_request("transfer is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 1);
	keyed.description = text_argument(fcinfo, 2);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise(refusal);
	Request request = request_about(kind_reverse, read_target(PG_GETARG_INT64(0)), -1);
	request.key = keyed.key;
	request.description = keyed.description;
	const char kind = request.target->kind;
	if (kind != kind_transfer && kind != kind_top_up && kind != kind_capture)
		request.refusal = invalid_request(psprintf(
			"Transfer " INT64_FORMAT " is a %s; transfers, top-ups and captures can be reversed.",
			request.target->id, kind_name(kind)));
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FUNCTION(tokpay_expire_holds) {
	using namespace tokpay;
	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) < 1)
		raise(invalid_request("max_rows is 1 or more."));
	CallMemory memory;
	require_leader();
	PreventCommandIfReadOnly("the end of a hold");
	const int32 count = expire_holds(std::min(PG_GETARG_INT32(0), max_expired_per_call));
	memory.release();
	PG_RETURN_INT32(count);
}
