// The journal: one row per transfer with its legs inside (sql/tables.sql).
#pragma once

#include "account.hpp"

namespace tokpay {

constexpr char kind_transfer = 't';
constexpr char kind_top_up = 'u';

// A credit inside journal.legs, as stored: five consecutive bigints.
struct Leg {
	int64 account;
	int64 amount;
	int64 balance; // after it
	int64 version;
	int64 previous; // the account's transfer before this one, 0 for none
};

constexpr int leg_columns = 5;
static_assert(sizeof(Leg) == leg_columns * sizeof(int64));

// A row of the journal; key, description and metadata are null where absent.
struct JournalRow {
	int64 id;
	TimestampTz at;
	int64 debit;
	int64 amount;
	int64 debit_balance;
	int64 debit_version;
	int64 debit_previous;
	char kind;
	std::span<Leg> legs;
	text *key;
	text *description;
	Jsonb *metadata;
};

// The legs in a value of journal.legs; an error where the array has another shape.
std::span<Leg> legs_of(ArrayType *array);

// Byte for byte, as the "C" collation has it.
bool same_text(text *a, text *b);

// The row in a slot of the journal. legs is a copy; key, description and metadata may point into
// the slot and live as long as its content.
JournalRow journal_row(TupleTableSlot *slot);

// What the index journal_key holds for a key: PostgreSQL's hashtextextended(key, debit).
int64 key_hash(text *key, int64 debit);

// Finds transfers by key under one snapshot, which the caller keeps active and which was taken
// after the debited account was locked, where an answer of "never used" has to be final.
struct KeyProbe {
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	MemoryContext row_memory; // of the row that was found last
};

KeyProbe begin_key_probe(const Table &journal, Snapshot snapshot);
// True with the row, which is valid until the next call.
bool probe_key(KeyProbe &probe, int64 debit, text *key, int64 hash, JournalRow *row);
void end_key_probe(KeyProbe &probe);

// Appends the rows, in order.
void append_to_journal(const Table &journal, std::span<const JournalRow> rows);

} // namespace tokpay
