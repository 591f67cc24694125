#include "pending_hold.hpp"

#include "index_writer.hpp"

namespace tokpay {

namespace {

constexpr int column_count = 4;

} // namespace

bool PendingHoldReader::read(IndexSearch &search, PendingHold *found) {
	if (slot_ == nullptr)
		slot_ = table_slot_create(heap_, nullptr);
	if (!search.next(slot_))
		return false;
	slot_getallattrs(slot_);
	const Datum *values = slot_->tts_values;
	*found = {DatumGetInt64(values[0]), DatumGetInt64(values[1]), DatumGetInt64(values[2]),
		DatumGetTimestampTz(values[3]), slot_->tts_tid};
	return true;
}

bool PendingHoldReader::find(int64 hold, PendingHold *found) {
	ScanKeyData keys[] = {equals(1, hold)};
	ids_.begin(catalog().pending_hold_pkey, keys);
	return read(ids_, found);
}

void PendingHoldReader::begin_expired_of(int64 debit, TimestampTz by) {
	ScanKeyData keys[] = {equals(1, debit), not_after(2, by)};
	accounts_.begin(catalog().pending_hold_debit, keys);
	current_ = &accounts_;
}

void PendingHoldReader::begin_expired(TimestampTz by) {
	ScanKeyData keys[] = {not_after(1, by)};
	times_.begin(catalog().pending_hold_expires_at, keys);
	current_ = &times_;
}

bool PendingHoldReader::next(PendingHold *found) {
	return read(*current_, found);
}

void PendingHoldReader::end() {
	ids_.end();
	accounts_.end();
	times_.end();
	if (slot_ != nullptr)
		ExecDropSingleTupleTableSlot(slot_);
}

void insert_pending_holds(Relation heap, std::span<const PendingHold> holds) {
	require_columns(heap, column_count);
	IndexWriter indexes(heap);
	for (const PendingHold &hold : holds) {
		Datum values[column_count] = {Int64GetDatum(hold.hold), Int64GetDatum(hold.debit),
			Int64GetDatum(hold.amount), TimestampTzGetDatum(hold.expires_at)};
		bool nulls[column_count] = {};
		HeapTuple row = heap_form_tuple(RelationGetDescr(heap), values, nulls);
		simple_heap_insert(heap, row);
		indexes.insert(row, {});
	}
	indexes.end();
}

void delete_pending_holds(Relation heap, std::span<PendingHold> holds) {
	for (PendingHold &hold : holds)
		simple_heap_delete(heap, &hold.tid);
}

} // namespace tokpay
