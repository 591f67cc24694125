// Holds that have not ended yet: tokpay.pending_hold.
#pragma once

#include "index_search.hpp"
#include "memory.hpp"

namespace tokpay {

// A row as stored (sql/tables.sql), and where it is.
struct PendingHold {
	int64 hold = 0;
	int64 debit = 0;
	int64 amount = 0;
	TimestampTz expires_at = DT_NOEND; // DT_NOEND: never
	ItemPointerData tid = {};
};

// Reads under one snapshot, which the caller keeps active. A hold's row stays where it is as long
// as its debited account is locked.
class PendingHoldReader {
public:
	PendingHoldReader(Relation heap, Snapshot snapshot)
		: heap_(heap), ids_(heap, snapshot), accounts_(heap, snapshot), times_(heap, snapshot) {}

	// False where there is no such hold or it has ended.
	bool find(int64 hold, PendingHold *found);
	// Begins a search for what has expired by then, oldest expiry first: of one account, or of all.
	void begin_expired_of(int64 debit, TimestampTz by);
	void begin_expired(TimestampTz by);
	// The next one of the search begun last.
	bool next(PendingHold *found);
	void end();

private:
	bool read(IndexSearch &search, PendingHold *found);

	Relation heap_;
	TupleTableSlot *slot_ = nullptr;
	IndexSearch ids_;
	IndexSearch accounts_;
	IndexSearch times_;
	IndexSearch *current_ = nullptr;
};

void insert_pending_holds(Relation heap, std::span<const PendingHold> holds);
void delete_pending_holds(Relation heap, std::span<PendingHold> holds);

} // namespace tokpay
