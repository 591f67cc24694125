#include "journal.hpp"

#include <algorithm>

namespace tokpay {

namespace {

enum Attribute {
	attribute_id = 1,
	attribute_at,
	attribute_debit,
	attribute_amount,
	attribute_debit_balance,
	attribute_debit_version,
	attribute_debit_previous,
	attribute_kind,
	attribute_legs,
	attribute_key,
	attribute_description,
	attribute_metadata,
	attribute_count = attribute_metadata,
};

// Rows per heap_multi_insert: enough to fill pages with one WAL record each, few enough slots.
constexpr int insert_chunk = 64;

Datum legs_datum(std::span<const Leg> legs) {
	const int count = static_cast<int>(legs.size()) * leg_columns;
	const Size size = ARR_OVERHEAD_NONULLS(1) + count * sizeof(int64);
	auto *array = static_cast<ArrayType *>(palloc(size));
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = INT8OID;
	ARR_DIMS(array)[0] = count;
	ARR_LBOUND(array)[0] = 1;
	memcpy(ARR_DATA_PTR(array), legs.data(), legs.size_bytes());
	return PointerGetDatum(array);
}

HeapTuple form_row(const JournalRow &row, TupleDesc descriptor) {
	const Datum values[attribute_count] = {Int64GetDatum(row.id), TimestampTzGetDatum(row.at),
		Int64GetDatum(row.debit), Int64GetDatum(row.amount), Int64GetDatum(row.debit_balance),
		Int64GetDatum(row.debit_version), Int64GetDatum(row.debit_previous), CharGetDatum(row.kind),
		legs_datum(row.legs), PointerGetDatum(row.key), PointerGetDatum(row.description),
		PointerGetDatum(row.metadata)};
	const bool nulls[attribute_count] = {false, false, false, false, false, false, false, false,
		false, row.key == nullptr, row.description == nullptr, row.metadata == nullptr};
	return heap_form_tuple(descriptor, const_cast<Datum *>(values), const_cast<bool *>(nulls));
}

// Puts a stored row into every index of the journal, whatever indexes it has by now: a DBA's own,
// or the second primary key of a REINDEX CONCURRENTLY. Follows ExecInsertIndexTuples in
// PostgreSQL's execIndexing.c, whose signature changes from version to version.
void index_row(Relation heap, CatalogIndexState indexes, TupleTableSlot *slot, EState *estate) {
	ExprContext *context = GetPerTupleExprContext(estate);
	context->ecxt_scantuple = slot;
	for (int i = 0; i < indexes->ri_NumIndices; i++) {
		Relation index = indexes->ri_IndexRelationDescs[i];
		IndexInfo *info = indexes->ri_IndexRelationInfo[i];
		if (!info->ii_ReadyForInserts)
			continue;
		if (info->ii_Predicate != NIL && info->ii_PredicateState == nullptr)
			info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate);
		if (info->ii_Predicate != NIL && !ExecQual(info->ii_PredicateState, context))
			continue;
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];
		FormIndexDatum(info, slot, estate, values, nulls);
		index_insert(index, values, nulls, &slot->tts_tid, heap,
			index->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false, info);
	}
	ResetPerTupleExprContext(estate);
}

} // namespace

bool same_text(text *a, text *b) {
	const size_t size = VARSIZE_ANY_EXHDR(a);
	return size == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), size) == 0;
}

std::span<Leg> legs_of(ArrayType *array) {
	const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_ELEMTYPE(array) != INT8OID || ARR_HASNULL(array) || count % leg_columns != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
						   errmsg("legs of a transfer are not rows of five bigints")));
	return {reinterpret_cast<Leg *>(ARR_DATA_PTR(array)), static_cast<size_t>(count / leg_columns)};
}

JournalRow journal_row(TupleTableSlot *slot) {
	slot_getallattrs(slot);
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	const auto int64_of = [&](Attribute attribute) { return DatumGetInt64(values[attribute - 1]); };
	const auto text_of = [&](Attribute attribute) {
		return nulls[attribute - 1] ? nullptr : DatumGetTextPP(values[attribute - 1]);
	};
	return {
		.id = int64_of(attribute_id),
		.at = DatumGetTimestampTz(values[attribute_at - 1]),
		.debit = int64_of(attribute_debit),
		.amount = int64_of(attribute_amount),
		.debit_balance = int64_of(attribute_debit_balance),
		.debit_version = int64_of(attribute_debit_version),
		.debit_previous = int64_of(attribute_debit_previous),
		.kind = DatumGetChar(values[attribute_kind - 1]),
		.legs = legs_of(DatumGetArrayTypePCopy(values[attribute_legs - 1])),
		.key = text_of(attribute_key),
		.description = text_of(attribute_description),
		.metadata = nulls[attribute_metadata - 1] ? nullptr
												  : DatumGetJsonbP(values[attribute_metadata - 1]),
	};
}

int64 key_hash(text *key, int64 debit) {
	return DatumGetInt64(DirectFunctionCall2Coll(
		hashtextextended, C_COLLATION_OID, PointerGetDatum(key), Int64GetDatum(debit)));
}

KeyProbe begin_key_probe(const Table &journal, Snapshot snapshot) {
	Relation index = index_open(relation_oid("journal_key"), AccessShareLock);
	return {index, begin_index_scan(journal.heap, index, snapshot, 1),
		table_slot_create(journal.heap, nullptr),
		AllocSetContextCreate(CurrentMemoryContext, "tokpay key", ALLOCSET_DEFAULT_SIZES)};
}

bool probe_key(KeyProbe &probe, int64 debit, text *key, int64 hash, JournalRow *row) {
	ScanKeyData scan_key;
	ScanKeyInit(&scan_key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(hash));
	index_rescan(probe.scan, &scan_key, 1, nullptr, 0);
	while (index_getnext_slot(probe.scan, ForwardScanDirection, probe.slot)) {
		// The scan keeps memory of its own from one call to the next, so only the row goes there.
		MemoryContextReset(probe.row_memory);
		MemoryContext caller = MemoryContextSwitchTo(probe.row_memory);
		*row = journal_row(probe.slot);
		MemoryContextSwitchTo(caller);
		if (row->debit == debit && row->key != nullptr && same_text(row->key, key))
			return true;
	}
	return false;
}

void end_key_probe(KeyProbe &probe) {
	index_endscan(probe.scan);
	ExecDropSingleTupleTableSlot(probe.slot);
	index_close(probe.index, NoLock);
	MemoryContextDelete(probe.row_memory);
}

void append_to_journal(const Table &journal, std::span<const JournalRow> rows) {
	Relation heap = journal.heap;
	// A descriptor of our own: a refcounted one is counted up and down once per slot and row.
	TupleDesc descriptor = CreateTupleDescCopyConstr(RelationGetDescr(heap));
	const int slot_count = static_cast<int>(std::min<size_t>(rows.size(), insert_chunk));
	TupleTableSlot *slots[insert_chunk];
	for (int i = 0; i < slot_count; i++)
		slots[i] = MakeSingleTupleTableSlot(descriptor, &TTSOpsHeapTuple);

	CatalogIndexState indexes = CatalogOpenIndexes(heap);
	EState *estate = CreateExecutorState();
	while (!rows.empty()) {
		const auto chunk = rows.first(std::min<size_t>(rows.size(), insert_chunk));
		rows = rows.subspan(chunk.size());
		for (size_t i = 0; i < chunk.size(); i++)
			ExecStoreHeapTuple(form_row(chunk[i], descriptor), slots[i], true);
		heap_multi_insert(
			heap, slots, static_cast<int>(chunk.size()), GetCurrentCommandId(true), 0, nullptr);
		for (size_t i = 0; i < chunk.size(); i++)
			index_row(heap, indexes, slots[i], estate);
	}
	FreeExecutorState(estate);
	CatalogCloseIndexes(indexes);
	for (int i = 0; i < slot_count; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
}

} // namespace tokpay

// leg_column(legs, part): the part-th of the five numbers of every leg.
TOKPAY_FUNCTION(tokpay_leg_column) {
	const auto legs = tokpay::legs_of(PG_GETARG_ARRAYTYPE_P(0));
	const int32 part = PG_GETARG_INT32(1);
	if (part < 1 || part > tokpay::leg_columns)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("part is 1 to 5")));
	auto *values = static_cast<Datum *>(palloc(legs.size() * sizeof(Datum)));
	for (size_t i = 0; i < legs.size(); i++)
		values[i] = Int64GetDatum(reinterpret_cast<const int64 *>(&legs[i])[part - 1]);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, static_cast<int>(legs.size()), INT8OID,
		sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
