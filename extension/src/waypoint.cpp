#include "waypoint.hpp"

#include "index_writer.hpp"

namespace tokpay {

namespace {

constexpr int column_count = 4;

bool read(Relation heap, Oid index, std::span<ScanKeyData> keys, Waypoint *found) {
	IndexSearch search(heap, GetActiveSnapshot());
	search.begin(index, keys);
	TupleTableSlot *slot = table_slot_create(heap, nullptr);
	const bool any = search.next(slot);
	if (any) {
		slot_getallattrs(slot);
		const Datum *values = slot->tts_values;
		*found = {DatumGetInt64(values[0]), DatumGetInt64(values[1]), DatumGetInt64(values[2]),
			DatumGetTimestampTz(values[3])};
	}
	ExecDropSingleTupleTableSlot(slot);
	search.end();
	return any;
}

} // namespace

// Versions and times of an account increase together, so of both waypoints the older one serves.
int64 waypoint_after(int64 account, int64 before, TimestampTz until) {
	Relation heap = open_heap(catalog().waypoint, AccessShareLock);
	Waypoint by_version;
	Waypoint by_time;
	ScanKeyData versions[] = {equals(1, account), at_least(2, before)};
	ScanKeyData times[] = {equals(1, account), not_before(2, until)};
	if (before == PG_INT64_MAX || !read(heap, catalog().waypoint_pkey, versions, &by_version))
		by_version.version = PG_INT64_MAX;
	if (until == DT_NOEND || !read(heap, catalog().waypoint_at, times, &by_time))
		by_time.version = PG_INT64_MAX;
	table_close(heap, NoLock);
	return by_version.version < by_time.version ? by_version.transfer : by_time.transfer;
}

void insert_waypoints(Relation heap, std::span<const Waypoint> waypoints) {
	require_columns(heap, column_count);
	IndexWriter indexes(heap);
	for (const Waypoint &waypoint : waypoints) {
		Datum values[column_count] = {Int64GetDatum(waypoint.account),
			Int64GetDatum(waypoint.version), Int64GetDatum(waypoint.transfer),
			TimestampTzGetDatum(waypoint.at)};
		bool nulls[column_count] = {};
		HeapTuple row = heap_form_tuple(RelationGetDescr(heap), values, nulls);
		simple_heap_insert(heap, row);
		indexes.insert(row, {});
		heap_freetuple(row);
	}
	indexes.end();
}

} // namespace tokpay
