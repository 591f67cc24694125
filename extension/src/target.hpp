// What a capture, void or reverse is about, and the request that follows from it.
#pragma once

#include "transfer.hpp"

namespace tokpay {

// Reads targets under one snapshot, which the caller keeps active. Targets never change, so no lock
// is needed.
class TargetReader {
public:
	explicit TargetReader(Snapshot snapshot)
		: heap_(open_heap(catalog().journal, AccessShareLock)), reader_(heap_, snapshot) {}

	// The transfer kept for the call, or null. Error: 40001 where the transaction's snapshot is too
	// old to see it.
	const JournalRow *find(int64 id);
	void end();

private:
	Relation heap_;
	JournalReader reader_;
};

// Requests for the target's accounts and amounts. refusal is set where the target is of a kind
// that cannot be captured partly, or reversed.
Request capture_of(const JournalRow *hold);
Request void_of(const JournalRow *hold);
Request reverse_of(const JournalRow *transfer);

// Puts a partial capture's amounts, null for all, in place of the hold's. check_captured says what
// can be said of them without the hold.
Refusal check_captured(ArrayType *amounts, std::span<const int64> *values);
void capture_partly(std::span<const int64> amounts, Request *capture);

// Whether a hold may last so long.
Refusal check_expires_in(const Interval *interval);

} // namespace tokpay
