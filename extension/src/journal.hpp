// The journal: one row per transfer with its legs inside (sql/tables.sql).
#pragma once

#include "index_search.hpp"
#include "memory.hpp"

namespace tokpay {

constexpr char kind_transfer = 't';
constexpr char kind_top_up = 'u';
constexpr char kind_hold = 'h';
constexpr char kind_capture = 'c';
constexpr char kind_void = 'v';
constexpr char kind_reverse = 'r';
constexpr char kind_expiry = 'x'; // the end of a hold by time; no transfer to anybody outside

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
	int64 id = 0;
	TimestampTz at = 0;
	int64 debit = 0;
	int64 amount = 0;
	int64 debit_balance = 0;
	int64 debit_version = 0;
	int64 debit_previous = 0;
	char kind = kind_transfer;
	std::span<Leg> legs;
	text *key = nullptr;
	text *description = nullptr;
	Jsonb *metadata = nullptr;
	int64 target = 0;				   // 0: none
	TimestampTz expires_at = DT_NOEND; // DT_NOEND: never
	int32 epoch = 0;				   // of a row to append; 0: there is no cluster
	int64 key_hash = 0;				   // of a row to append that has a key
	ItemPointerData place = {};		   // of a row that was appended
	JournalRow *written = nullptr;	   // what a row may take the place of
	bool stays = false;				   // a row that was written is right as it is
};

// Whether two rows to append, for the same request, are the same.
bool same_row(const JournalRow &a, const JournalRow &b);

// Whether they differ in nothing but the time and what the accounts were and became.
bool same_request(const JournalRow &a, const JournalRow &b);

// Whether transfers of this kind are entries of their accounts; the others only reserve or release.
constexpr bool has_entries(char kind) {
	return kind != kind_hold && kind != kind_void && kind != kind_expiry;
}

// The name of a kind in the interface.
const char *kind_name(char kind);

// The legs in a value of journal.legs; an error where the array has another shape.
std::span<Leg> legs_of(ArrayType *array);

// Byte for byte, as the "C" collation has it.
bool same_text(text *a, text *b);

// What the index journal_key holds for a key: PostgreSQL's hashtextextended(key, debit).
int64 key_hash(text *key, int64 debit);

// Reads rows through an index under one snapshot, which the caller keeps active.
class JournalReader {
public:
	JournalReader(Relation heap, Snapshot snapshot);

	// The row, or null. Valid until the next call.
	const JournalRow *by_id(int64 id);
	// Where an answer of "never used" has to be final, the snapshot was taken after the debited
	// account was locked.
	const JournalRow *by_key(int64 debit, text *key, int64 hash);
	// The transfer that ended this hold or reversed this transfer.
	const JournalRow *by_target(int64 target);
	void end();

private:
	bool next(IndexSearch &search);

	MemoryContext row_memory_; // of the row that was found last
	TupleTableSlot *slot_;
	IndexSearch ids_;
	IndexSearch keys_;
	IndexSearch targets_;
	JournalRow row_;
};

// A copy in the current context, without key, description and metadata.
JournalRow without_texts(const JournalRow &row);

// Appends the rows, in order, and sets their places.
void append_to_journal(Relation heap, std::span<JournalRow *const> rows);

// Whether rows that this call has appended can be overwritten.
bool overwrites_journal(Relation heap);

// Puts a row in the place of the one it was written as, for the same request: where that one lies
// and of the same length. False where it does not fit. Nobody has seen the old one.
// The rows come in the order of their places for a page to be logged once.
class JournalOverwriter {
public:
	explicit JournalOverwriter(Relation heap) : heap_(heap) {}
	bool overwrite(JournalRow *row);
	void end();

private:
	Relation heap_;
	Buffer buffer_ = InvalidBuffer;
	GenericXLogState *change_ = nullptr;
	Page page_ = nullptr; // a copy until the change is finished
};

} // namespace tokpay
