// Looks for rows of a table through one of its indexes.
#pragma once

#include "catalog.hpp"

namespace tokpay {

// Comparisons of an index's columns with a value; column counts from 1.
inline ScanKeyData equals(AttrNumber column, int64 value) {
	ScanKeyData key;
	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(value));
	return key;
}

inline ScanKeyData at_least(AttrNumber column, int64 value) {
	ScanKeyData key;
	ScanKeyInit(&key, column, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(value));
	return key;
}

inline ScanKeyData not_before(AttrNumber column, TimestampTz value) {
	ScanKeyData key;
	ScanKeyInit(
		&key, column, BTGreaterEqualStrategyNumber, F_TIMESTAMPTZ_GE, TimestampTzGetDatum(value));
	return key;
}

inline ScanKeyData not_after(AttrNumber column, TimestampTz value) {
	ScanKeyData key;
	ScanKeyInit(
		&key, column, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE, TimestampTzGetDatum(value));
	return key;
}

// Opens nothing before it is used. The snapshot is kept active by the caller.
class IndexSearch {
public:
	IndexSearch(Relation heap, Snapshot snapshot) : heap_(heap), snapshot_(snapshot) {}

	// Every search of one object uses the same index and number of keys.
	void begin(Oid index, std::span<ScanKeyData> keys) {
		const int count = static_cast<int>(keys.size());
		if (scan_ == nullptr) {
			index_ = index_open(index, AccessShareLock);
			scan_ = begin_index_scan(heap_, index_, snapshot_, count);
		}
		index_rescan(scan_, keys.data(), count, nullptr, 0);
	}

	// The next row in ascending order of the index.
	bool next(TupleTableSlot *slot) {
		return index_getnext_slot(scan_, ForwardScanDirection, slot);
	}

	void end() {
		if (scan_ == nullptr)
			return;
		index_endscan(scan_);
		index_close(index_, NoLock);
	}

private:
	Relation heap_;
	Snapshot snapshot_;
	Relation index_ = nullptr;
	IndexScanDesc scan_ = nullptr;
};

} // namespace tokpay
