#include "target.hpp"

#include "call.hpp"

namespace tokpay {

namespace {

constexpr int64 max_expiry_days = 36525; // a hundred years

// Whether it exists by now, whatever the transaction's snapshot sees.
bool exists_by_now(Relation journal, int64 id) {
	Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
	JournalReader reader(journal, latest);
	const bool exists = reader.by_id(id) != nullptr;
	reader.end();
	UnregisterSnapshot(latest);
	return exists;
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

} // namespace

const JournalRow *TargetReader::find(int64 id) {
	const JournalRow *row = reader_.by_id(id);
	if (row == nullptr && IsolationUsesXactSnapshot() && exists_by_now(heap_, id))
		raise_serialization_failure();
	if (row == nullptr || row->kind == kind_expiry)
		return nullptr;
	return new (palloc(sizeof(JournalRow))) JournalRow(without_texts(*row));
}

void TargetReader::end() {
	reader_.end();
	table_close(heap_, NoLock);
}

Request capture_of(const JournalRow *hold) {
	return request_about(kind_capture, hold, 1);
}

Request void_of(const JournalRow *hold) {
	return request_about(kind_void, hold, 1);
}

Request reverse_of(const JournalRow *transfer) {
	Request request = request_about(kind_reverse, transfer, -1);
	const char kind = transfer->kind;
	if (kind != kind_transfer && kind != kind_top_up && kind != kind_capture)
		request.refusal = invalid_request(psprintf(
			"Transfer " INT64_FORMAT " is a %s; transfers, top-ups and captures can be reversed.",
			transfer->id, kind_name(kind)));
	return request;
}

Refusal check_captured(ArrayType *array, std::span<const int64> *values) {
	if (Refusal refusal = read_bigints("amounts", array, values); refusal.code != Code::ok)
		return refusal;
	for (size_t i = 0; i < values->size(); i++)
		if ((*values)[i] < 0)
			return invalid_request(
				psprintf("amounts[%zu] is " INT64_FORMAT "; an amount is not negative.", i + 1,
					(*values)[i]));
	return {};
}

void capture_partly(std::span<const int64> amounts, Request *capture) {
	if (capture->target->kind != kind_hold) // which the books refuse
		return;
	const std::span<const int64> held = capture->amounts;
	if (amounts.size() != held.size()) {
		capture->refusal = invalid_request(psprintf(
			"There are %zu amounts; the hold has %zu credits.", amounts.size(), held.size()));
		return;
	}
	bool any = false;
	for (size_t i = 0; i < held.size(); i++) {
		if (amounts[i] > held[i]) {
			capture->refusal = invalid_request(
				psprintf("amounts[%zu] is " INT64_FORMAT "; the hold allows 0 to " INT64_FORMAT ".",
					i + 1, amounts[i], held[i]));
			return;
		}
		any |= amounts[i] > 0;
	}
	if (!any)
		capture->refusal = invalid_request("amounts are all 0; tokpay.void() releases a hold.");
	capture->amounts = amounts;
}

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

} // namespace tokpay
