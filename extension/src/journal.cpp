#include "journal.hpp"

#include "index_writer.hpp"

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
	attribute_target,
	attribute_expires_at,
	attribute_epoch,
	attribute_count = attribute_epoch,
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
		row.legs.empty() ? PointerGetDatum(construct_empty_array(INT8OID)) : legs_datum(row.legs),
		PointerGetDatum(row.key), PointerGetDatum(row.description), PointerGetDatum(row.metadata),
		Int64GetDatum(row.target), TimestampTzGetDatum(row.expires_at), Int32GetDatum(row.epoch)};
	const bool nulls[attribute_count] = {false, false, false, false, false, false, false, false,
		false, row.key == nullptr, row.description == nullptr, row.metadata == nullptr,
		row.target == 0, row.expires_at == DT_NOEND, row.epoch == 0};
	return heap_form_tuple(descriptor, const_cast<Datum *>(values), const_cast<bool *>(nulls));
}

// The row in a slot. legs is a copy; key, description and metadata may point into the slot.
void read_row(TupleTableSlot *slot, JournalRow *row) {
	slot_getallattrs(slot);
	const Datum *values = slot->tts_values;
	const bool *nulls = slot->tts_isnull;
	const auto int64_of = [&](Attribute attribute) { return DatumGetInt64(values[attribute - 1]); };
	const auto text_of = [&](Attribute attribute) {
		return nulls[attribute - 1] ? nullptr : DatumGetTextPP(values[attribute - 1]);
	};
	*row = {
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
		.target = nulls[attribute_target - 1] ? 0 : int64_of(attribute_target),
		.expires_at = nulls[attribute_expires_at - 1]
						  ? DT_NOEND
						  : DatumGetTimestampTz(values[attribute_expires_at - 1]),
	};
}

} // namespace

const char *kind_name(char kind) {
	switch (kind) {
	case kind_transfer:
		return "transfer";
	case kind_top_up:
		return "top_up";
	case kind_hold:
		return "hold";
	case kind_capture:
		return "capture";
	case kind_void:
		return "void";
	case kind_reverse:
		return "reverse";
	default:
		return "expiry";
	}
}

bool same_row(const JournalRow &a, const JournalRow &b) {
	return same_request(a, b) && a.at == b.at && a.debit_balance == b.debit_balance &&
		   a.debit_version == b.debit_version && a.debit_previous == b.debit_previous &&
		   a.expires_at == b.expires_at &&
		   memcmp(a.legs.data(), b.legs.data(), a.legs.size_bytes()) == 0;
}

// Texts come from the request, so their addresses tell.
bool same_request(const JournalRow &a, const JournalRow &b) {
	return a.id == b.id && a.debit == b.debit && a.amount == b.amount && a.kind == b.kind &&
		   a.legs.size() == b.legs.size() && a.key == b.key && a.description == b.description &&
		   a.metadata == b.metadata && a.target == b.target &&
		   (a.expires_at == DT_NOEND) == (b.expires_at == DT_NOEND);
}

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

int64 key_hash(text *key, int64 debit) {
	return DatumGetInt64(DirectFunctionCall2Coll(
		hashtextextended, C_COLLATION_OID, PointerGetDatum(key), Int64GetDatum(debit)));
}

JournalReader::JournalReader(Relation heap, Snapshot snapshot)
	: row_memory_(
		  AllocSetContextCreate(CurrentMemoryContext, "tokpay journal", ALLOCSET_DEFAULT_SIZES)),
	  slot_(table_slot_create(heap, nullptr)), ids_(heap, snapshot), keys_(heap, snapshot),
	  targets_(heap, snapshot) {}

bool JournalReader::next(IndexSearch &search) {
	if (!search.next(slot_))
		return false;
	// The scan keeps memory of its own from one call to the next, so only the row goes there.
	MemoryContextReset(row_memory_);
	MemoryContext caller = MemoryContextSwitchTo(row_memory_);
	read_row(slot_, &row_);
	MemoryContextSwitchTo(caller);
	return true;
}

const JournalRow *JournalReader::by_id(int64 id) {
	ScanKeyData keys[] = {equals(1, id)};
	ids_.begin(catalog().journal_id, keys);
	return next(ids_) ? &row_ : nullptr;
}

const JournalRow *JournalReader::by_key(int64 debit, text *key, int64 hash) {
	ScanKeyData keys[] = {equals(1, hash)};
	keys_.begin(catalog().journal_key, keys);
	while (next(keys_))
		if (row_.debit == debit && row_.key != nullptr && same_text(row_.key, key))
			return &row_;
	return nullptr;
}

const JournalRow *JournalReader::by_target(int64 target) {
	ScanKeyData keys[] = {equals(1, target)};
	targets_.begin(catalog().journal_target, keys);
	return next(targets_) ? &row_ : nullptr;
}

void JournalReader::end() {
	ids_.end();
	keys_.end();
	targets_.end();
	ExecDropSingleTupleTableSlot(slot_);
	MemoryContextDelete(row_memory_);
}

JournalRow without_texts(const JournalRow &row) {
	JournalRow copy = row;
	copy.legs = allocate<Leg>(row.legs.size());
	std::ranges::copy(row.legs, copy.legs.begin());
	copy.key = copy.description = nullptr;
	copy.metadata = nullptr;
	return copy;
}

namespace {

// Whether the journal has its own three indexes and no other.
bool has_only_own_indexes(Relation heap) {
	const Oid own[] = {catalog().journal_id, catalog().journal_key, catalog().journal_target};
	List *indexes = RelationGetIndexList(heap);
	const bool only_own =
		list_length(indexes) == std::size(own) &&
		std::ranges::all_of(own, [&](Oid oid) { return list_member_oid(indexes, oid); });
	list_free(indexes);
	return only_own;
}

// The journal's own three indexes, written without the executor's expressions and predicates: what
// they hold is known. Any further index sends all of them through IndexWriter.
class JournalIndexes {
public:
	explicit JournalIndexes(Relation heap)
		: heap_(heap), others_(heap), only_own_(has_only_own_indexes(heap)) {
		if (!only_own_)
			return;
		id_ = index_open(catalog().journal_id, RowExclusiveLock);
		key_ = index_open(catalog().journal_key, RowExclusiveLock);
		info_ = makeNode(IndexInfo);
	}

	void insert(const JournalRow &row, HeapTuple tuple) {
		if (!only_own_) {
			others_.insert(tuple, {});
			return;
		}
		insert_value(id_, row.id, tuple, UNIQUE_CHECK_YES);
		if (row.key != nullptr)
			insert_value(key_, row.key_hash, tuple, UNIQUE_CHECK_NO);
		if (row.target == 0)
			return;
		if (target_ == nullptr)
			target_ = index_open(catalog().journal_target, RowExclusiveLock);
		insert_value(target_, row.target, tuple, UNIQUE_CHECK_YES);
	}

	void end() {
		others_.end();
		if (!only_own_)
			return;
		index_close(id_, NoLock);
		index_close(key_, NoLock);
		if (target_ != nullptr)
			index_close(target_, NoLock);
	}

private:
	void insert_value(Relation index, int64 value, HeapTuple tuple, IndexUniqueCheck check) {
		Datum values[] = {Int64GetDatum(value)};
		bool nulls[] = {false};
		index_insert(index, values, nulls, &tuple->t_self, heap_, check, false, info_);
	}

	Relation heap_;
	IndexWriter others_;
	bool only_own_;
	Relation id_ = nullptr;
	Relation key_ = nullptr;
	Relation target_ = nullptr; // few rows have one
	IndexInfo *info_ = nullptr; // B-trees look at nothing in it
};

} // namespace

void append_to_journal(Relation heap, std::span<JournalRow *const> rows) {
	if (rows.empty())
		return;
	require_columns(heap, attribute_count);
	// A descriptor of our own: a refcounted one is counted up and down once per slot and row.
	TupleDesc descriptor = CreateTupleDescCopy(RelationGetDescr(heap));
	const int slot_count = static_cast<int>(std::min<size_t>(rows.size(), insert_chunk));
	TupleTableSlot *slots[insert_chunk];
	for (int i = 0; i < slot_count; i++)
		slots[i] = MakeSingleTupleTableSlot(descriptor, &TTSOpsHeapTuple);

	JournalIndexes indexes(heap);
	MemoryContext chunk_memory =
		AllocSetContextCreate(CurrentMemoryContext, "tokpay rows", ALLOCSET_DEFAULT_SIZES);
	while (!rows.empty()) {
		const auto chunk = rows.first(std::min<size_t>(rows.size(), insert_chunk));
		rows = rows.subspan(chunk.size());
		MemoryContext caller = MemoryContextSwitchTo(chunk_memory);
		for (size_t i = 0; i < chunk.size(); i++)
			ExecStoreHeapTuple(form_row(*chunk[i], descriptor), slots[i], false);
		heap_multi_insert(
			heap, slots, static_cast<int>(chunk.size()), GetCurrentCommandId(true), 0, nullptr);
		MemoryContextSwitchTo(caller);
		for (size_t i = 0; i < chunk.size(); i++) {
			HeapTuple tuple = ExecFetchSlotHeapTuple(slots[i], false, nullptr);
			chunk[i]->place = tuple->t_self = slots[i]->tts_tid;
			indexes.insert(*chunk[i], tuple);
			ExecClearTuple(slots[i]);
		}
		MemoryContextReset(chunk_memory);
	}
	indexes.end();
	for (int i = 0; i < slot_count; i++)
		ExecDropSingleTupleTableSlot(slots[i]);
}

// Logical decoding would tell of the row as it was appended, and an index of somebody else's may
// hold a column that changes. One that is being made waits for this transaction before it reads.
bool overwrites_journal(Relation heap) {
	return !RelationIsLogicallyLogged(heap) && has_only_own_indexes(heap);
}

// A generic WAL record tells what bytes of a page have changed. Only the columns change: the
// header stays, and with it who may see the row.
bool JournalOverwriter::overwrite(JournalRow *row) {
	const ItemPointer place = &row->written->place;
	HeapTuple tuple = form_row(*row, RelationGetDescr(heap_));
	// A longer row was compressed or moved out of line.
	if (tuple->t_len > TOAST_TUPLE_THRESHOLD)
		return false;
	if (!BufferIsValid(buffer_) ||
		BufferGetBlockNumber(buffer_) != ItemPointerGetBlockNumber(place)) {
		end();
		buffer_ = ReadBuffer(heap_, ItemPointerGetBlockNumber(place));
		LockBuffer(buffer_, BUFFER_LOCK_EXCLUSIVE);
		change_ = GenericXLogStart(heap_);
		page_ = GenericXLogRegisterBuffer(change_, buffer_, 0);
	}
	const ItemId pointer = PageGetItemId(page_, ItemPointerGetOffsetNumber(place));
	const auto header = reinterpret_cast<HeapTupleHeader>(PageGetItem(page_, pointer));
	if (ItemIdGetLength(pointer) != tuple->t_len || header->t_hoff != tuple->t_data->t_hoff)
		elog(ERROR, "transfer " INT64_FORMAT " has changed its length", row->id);
	const Size columns = header->t_hoff;
	memcpy(reinterpret_cast<char *>(header) + columns, row_bytes(tuple), tuple->t_len - columns);
	row->place = *place;
	heap_freetuple(tuple);
	return true;
}

void JournalOverwriter::end() {
	if (!BufferIsValid(buffer_))
		return;
	GenericXLogFinish(change_);
	UnlockReleaseBuffer(buffer_);
	buffer_ = InvalidBuffer;
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
