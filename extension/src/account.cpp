#include "account.hpp"

#include <algorithm>
#include <cstddef>

namespace tokpay {

static_assert(offsetof(AccountRow, status) == 8 * sizeof(int64), "as declared in sql/tables.sql");

constexpr AttrNumber currency_attribute = 10;

int64 available(const AccountRow &row) {
	const __int128 exact = static_cast<__int128>(row.balance) - row.held - row.min_balance;
	return static_cast<int64>(std::clamp<__int128>(exact, PG_INT64_MIN, PG_INT64_MAX));
}

Oid relation_oid(const char *name) {
	const Oid schema = get_namespace_oid("tokpay", false);
	const Oid oid = get_relname_relid(name, schema);
	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("tokpay.%s is missing", name),
						   errhint("Drop and create the extension, or restore it from a dump.")));
	return oid;
}

Table open_table(const char *name, const char *primary_key, LOCKMODE mode) {
	const Table table = {table_open(relation_oid(name), mode), nullptr};
	// heap_multi_insert and the struct overlay know the heap only.
	if (table.heap->rd_rel->relam != HEAP_TABLE_AM_OID)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						   errmsg("tokpay.%s is not stored as a heap", name)));
	return {table.heap, index_open(relation_oid(primary_key), mode)};
}

void close_table(const Table &table) {
	index_close(table.primary_key, NoLock);
	table_close(table.heap, NoLock);
}

Probe begin_probe(const Table &table, Snapshot snapshot) {
	return {table, snapshot, begin_index_scan(table.heap, table.primary_key, snapshot, 1),
		table_slot_create(table.heap, nullptr)};
}

bool probe_row(Probe &probe, int64 id) {
	ScanKeyData key;
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	index_rescan(probe.scan, &key, 1, nullptr, 0);
	return index_getnext_slot(probe.scan, ForwardScanDirection, probe.slot);
}

void end_probe(Probe &probe) {
	index_endscan(probe.scan);
	ExecDropSingleTupleTableSlot(probe.slot);
}

const AccountRow *account_row(TupleTableSlot *slot) {
	return reinterpret_cast<AccountRow *>(GETSTRUCT(ExecFetchSlotHeapTuple(slot, false, nullptr)));
}

text *account_currency(HeapTuple tuple, TupleDesc descriptor) {
	bool is_null;
	return DatumGetTextPP(heap_getattr(tuple, currency_attribute, descriptor, &is_null));
}

namespace {

[[noreturn]] void raise_serialization_failure() {
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					   errmsg("could not serialize access due to concurrent update")));
	pg_unreachable();
}

// Locks the row in probe.slot, which then holds its newest version; false where it is gone. Follows
// ExecLockRows in PostgreSQL's nodeLockRows.c.
bool lock_row(Probe &probe, int64 id) {
	const uint8 flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	ItemPointerData tid = probe.slot->tts_tid;
	TM_FailureData failure;
	const TM_Result result = table_tuple_lock(probe.table.heap, &tid, probe.snapshot, probe.slot,
		probe.snapshot->curcid, LockTupleNoKeyExclusive, LockWaitBlock, flags, &failure);
	switch (result) {
	case TM_Ok:
		return account_row(probe.slot)->id == id;
	case TM_Updated:
		raise_serialization_failure();
	case TM_Deleted:
		if (IsolationUsesXactSnapshot())
			raise_serialization_failure();
		return false;
	default:
		elog(ERROR, "unexpected result %d of locking account " INT64_FORMAT, result, id);
	}
	return false;
}

// Whether the row exists by now, whatever the transaction's snapshot sees.
bool exists_by_now(const Table &table, int64 id) {
	Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
	Probe probe = begin_probe(table, latest);
	const bool exists = probe_row(probe, id);
	end_probe(probe);
	UnregisterSnapshot(latest);
	return exists;
}

} // namespace

void lock_accounts(const Table &table, std::span<Account> accounts) {
	Probe probe = begin_probe(table, GetActiveSnapshot());
	TupleDesc descriptor = RelationGetDescr(table.heap);
	for (Account &account : accounts) {
		CHECK_FOR_INTERRUPTS();
		if (!probe_row(probe, account.id)) {
			if (IsolationUsesXactSnapshot() && exists_by_now(table, account.id))
				raise_serialization_failure();
			continue;
		}
		if (!lock_row(probe, account.id))
			continue;
		account.tuple = ExecCopySlotHeapTuple(probe.slot);
		account.row = reinterpret_cast<AccountRow *>(GETSTRUCT(account.tuple));
		account.currency = account_currency(account.tuple, descriptor);
	}
	end_probe(probe);
}

void write_accounts(const Table &table, std::span<Account> accounts) {
	CatalogIndexState indexes = CatalogOpenIndexes(table.heap);
	for (Account &account : accounts)
		if (account.changed)
			CatalogTupleUpdateWithInfo(table.heap, &account.tuple->t_self, account.tuple, indexes);
	CatalogCloseIndexes(indexes);
}

} // namespace tokpay
