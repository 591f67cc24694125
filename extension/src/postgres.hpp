// PostgreSQL's headers for C++, and every difference between 15 and 18 that the code meets.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/genam.h"
#include "access/generic_xlog.h"
#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "access/xlogrecovery.h"
#include "catalog/catalog.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class_d.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_control.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type_d.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "replication/syncrep.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/buf_internals.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/pg_lsn.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
// A Port is laid out the same without the libraries that its server was built with.
#undef ENABLE_GSS
#undef USE_OPENSSL
#undef USE_SSL
#include "libpq/libpq-be.h"
#include "libpq/libpq.h"
}

#include <cstdint>
#include <span>

// Begins an SQL-callable function; 15's PG_FUNCTION_INFO_V1 does not export it by itself.
#define TOKPAY_FUNCTION(name)                                                                      \
	extern "C" {                                                                                   \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	PG_FUNCTION_INFO_V1(name);                                                                     \
	}                                                                                              \
	extern "C" Datum name(PG_FUNCTION_ARGS)

namespace tokpay {

inline IndexScanDesc begin_index_scan(Relation heap, Relation index, Snapshot snapshot, int keys) {
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, nullptr, keys, 0);
#else
	return index_beginscan(heap, index, snapshot, keys, 0);
#endif
}

// The columns of a tuple; 18 gives a void pointer.
inline char *row_bytes(HeapTuple tuple) {
	return reinterpret_cast<char *>(GETSTRUCT(tuple));
}

// Pins the buffer if it still holds this block of the relation.
inline bool pin_recent_buffer(Relation heap, BlockNumber block, Buffer buffer) {
#if PG_VERSION_NUM >= 160000
	return ReadRecentBuffer(heap->rd_locator, MAIN_FORKNUM, block, buffer);
#else
	return ReadRecentBuffer(heap->rd_node, MAIN_FORKNUM, block, buffer);
#endif
}

// Which indexes need an entry after an update.
enum class IndexesToUpdate : uint8_t { none, summarizing, all };

inline TM_Result update_row(Relation heap, ItemPointer old, HeapTuple row, CommandId command,
	TM_FailureData *failure, IndexesToUpdate *indexes) {
	LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes update;
	const TM_Result result =
		heap_update(heap, old, row, command, InvalidSnapshot, true, failure, &mode, &update);
	*indexes = update == TU_All			  ? IndexesToUpdate::all
			   : update == TU_Summarizing ? IndexesToUpdate::summarizing
										  : IndexesToUpdate::none;
#else
	const TM_Result result =
		heap_update(heap, old, row, command, InvalidSnapshot, true, failure, &mode);
	*indexes = HeapTupleIsHeapOnly(row) ? IndexesToUpdate::none : IndexesToUpdate::all;
#endif
	return result;
}

// Text with its length before it, in the client's encoding.
inline void send_counted_text(StringInfo bytes, const char *text, int length) {
#if PG_VERSION_NUM >= 170000
	pq_sendcountedtext(bytes, text, length);
#else
	pq_sendcountedtext(bytes, text, length, false);
#endif
}

// The i-th backend of the local copy of their table, from 1.
inline const PgBackendStatus *backend_status(int i) {
#if PG_VERSION_NUM >= 160000
	const LocalPgBackendStatus *local = pgstat_get_local_beentry_by_index(i);
#else
	const LocalPgBackendStatus *local = pgstat_fetch_stat_local_beentry(i);
#endif
	return local == nullptr ? nullptr : &local->backendStatus;
}

inline bool is_summarizing([[maybe_unused]] const IndexInfo *info) {
#if PG_VERSION_NUM >= 160000
	return info->ii_Summarizing;
#else
	return false;
#endif
}

} // namespace tokpay
