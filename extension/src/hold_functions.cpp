// hold, capture, void, reverse and expire_holds.

#include "call.hpp"
#include "fence.hpp"
#include "statistics.hpp"
#include "target.hpp"

namespace tokpay {

namespace {

constexpr int32 max_expired_per_call = 100000;

// The transfer that a capture, void or reverse is about.
const JournalRow *read_target(int64 id) {
	require_leader();
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	TargetReader reader(GetActiveSnapshot());
	const JournalRow *row = reader.find(id);
	if (row == nullptr)
		raise_counted(transfer_not_found(id));
	reader.end();
	PopActiveSnapshot();
	return row;
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_hold) {
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

TOKPAY_FENCED_FUNCTION(tokpay_capture) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise_counted(invalid_request("hold is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 2);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise_counted(refusal);
	std::span<const int64> amounts;
	if (!PG_ARGISNULL(1))
		if (Refusal refusal = check_captured(PG_GETARG_ARRAYTYPE_P(1), &amounts);
			refusal.code != Code::ok)
			raise_counted(refusal);
	Request request = capture_of(read_target(PG_GETARG_INT64(0)));
	request.key = keyed.key;
	if (!PG_ARGISNULL(1))
		capture_partly(amounts, &request);
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FENCED_FUNCTION(tokpay_void) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise_counted(invalid_request("hold is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 1);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise_counted(refusal);
	Request request = void_of(read_target(PG_GETARG_INT64(0)));
	request.key = keyed.key;
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FENCED_FUNCTION(tokpay_reverse) {
	using namespace tokpay;
	CallMemory memory;
	if (PG_ARGISNULL(0))
		raise_counted(invalid_request("transfer is null."));
	Request keyed;
	keyed.key = text_argument(fcinfo, 1);
	keyed.description = text_argument(fcinfo, 2);
	if (Refusal refusal = check_texts(keyed); refusal.code != Code::ok)
		raise_counted(refusal);
	Request request = reverse_of(read_target(PG_GETARG_INT64(0)));
	request.key = keyed.key;
	request.description = keyed.description;
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FENCED_FUNCTION(tokpay_expire_holds) {
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
