// The hot row of an account: finding, locking and updating tokpay.account_state.
#pragma once

#include "catalog.hpp"
#include "memory.hpp"

#include <cstddef>

namespace tokpay {

constexpr int64 no_floor = PG_INT64_MIN;
constexpr int64 no_ceiling = PG_INT64_MAX;

constexpr char status_open = 'o';
constexpr char status_frozen = 'f';
constexpr char status_closed = 'c';

// account_state as stored, up to its last fixed-width column (sql/tables.sql); the text currency
// and the bigint key_filter follow.
struct AccountRow {
	int64 id;
	int64 balance;
	int64 held;
	int64 version;
	int64 last_transfer;
	TimestampTz last_at;
	int64 min_balance;
	int64 max_balance;
	char status;
};

// What of a stored row the struct covers; the bytes after it are padding here and currency there.
constexpr size_t account_row_bytes = offsetof(AccountRow, status) + sizeof(char);

// The bits of a key in its account's filter, by the hash that the journal's index has of it. A key
// was never used where one of its bits is missing, and may have been where all are there: the index
// has to be asked then. Nearly every first use of an account's first twenty keys is told so, for
// what it costs to read a row that is at hand.
constexpr uint64 key_bits(int64 key_hash) {
	const auto hash = static_cast<uint64>(key_hash);
	return UINT64CONST(1) << (hash & 63) | UINT64CONST(1) << (hash >> 6 & 63);
}

// balance - held - min_balance, held within int64; meaningless without a floor.
int64 available(const AccountRow &row);

// Finds rows under one snapshot, which the caller keeps active, through hints and then the index.
class AccountReader {
public:
	AccountReader(Relation heap, Snapshot snapshot);

	// The row with this id, or null. Valid until the next call.
	const AccountRow *find(int64 id);
	// Brings what find(id(i)) will need nearer to the processor, so that the memory's latency is
	// paid once for several rows instead of three times for each. ids are those of a loop that is
	// at i.
	template<class Id> void look_ahead(size_t i, size_t count, Id id) const {
		constexpr size_t hint_distance = 24;
		constexpr size_t page_distance = 16;
		constexpr size_t row_distance = 8;
		if (i + hint_distance < count)
			prefetch_hint(id(i + hint_distance));
		if (i + page_distance < count)
			prefetch_page(id(i + page_distance));
		if (i + row_distance < count)
			prefetch_row(id(i + row_distance));
	}
	// Of the same row: its currency, and a copy of all of it.
	text *currency();
	HeapTuple copy();
	void end();

	// Whether pages that are nearly full are pruned on the way: for those who will update them.
	bool prunes = false;

private:
	static void prefetch_hint(int64 id);
	void prefetch_page(int64 id) const;
	void prefetch_row(int64 id) const;
	void pin(BlockNumber block);
	bool find_by_hint(int64 id);
	bool find_by_index(int64 id);
	bool find_at(ItemPointerData root, int64 id, bool *all_dead);
	void learn(BlockNumber block) const;
	const AccountRow *row() { return reinterpret_cast<AccountRow *>(row_bytes(&tuple_)); }

	Relation heap_;
	Snapshot snapshot_;
	BlockNumber blocks_;
	Buffer buffer_ = InvalidBuffer;
	HeapTupleData tuple_;
	// Opened by the first miss.
	Relation index_ = nullptr;
	IndexScanDesc scan_ = nullptr;
};

// What a call changes of an account.
struct AccountState {
	AccountRow row = {};
	uint64 key_filter = 0;
};

// An account of a call. row points into tuple, a copy that the call changes in place.
struct Account {
	int64 id = 0;
	HeapTuple tuple = nullptr; // null: no such account, or passed over
	AccountRow *row = nullptr;
	text *currency = nullptr;
	uint64 *key_filter = nullptr; // in tuple as well
	int64 delta = 0;			  // scratch of the evaluation: what the request at hand would add
	int64 released = 0;			  // expired holds that this call has ended
	uint32 uses = 0;			  // how often the call's requests name it
	bool in_use = false;		  // somebody else was changing it when it was read
	bool written = false;		  // the call has updated it
	AccountState read;			  // as it was before the call
	const AccountState *stored = nullptr; // as the table has it by now, where that is not read

	AccountState state() const {
		AccountState state{.key_filter = *key_filter};
		memcpy(&state.row, row, account_row_bytes);
		return state;
	}
	void set(const AccountState &state) {
		memcpy(row, &state.row, account_row_bytes);
		*key_filter = state.key_filter;
	}
	bool is_stored() const {
		const AccountState &in_table = stored == nullptr ? read : *stored;
		return memcmp(row, &in_table.row, account_row_bytes) == 0 &&
			   *key_filter == in_table.key_filter;
	}
};

// All of these take the accounts in ascending order of id, while the call's snapshot is active, and
// raise 40001 where the isolation level demands it.

// Finds and loads the accounts as the snapshot sees them, without a lock.
void read_accounts(Relation heap, std::span<Account *const> accounts);

// Locks what was read, and loads what has moved on since; false where something has. LockWaitSkip
// leaves out what others hold.
bool lock_accounts(Relation heap, std::span<Account *const> accounts, LockWaitPolicy policy);

// One update for every changed account; all are locked.
void write_accounts(Relation heap, std::span<Account *const> accounts);

// The same for accounts that are not locked yet: an update is a lock as well, and the unchanged
// ones are locked without one. False where an account has moved on since it was read: that one is
// loaded anew, all are locked, and those before it are stored.
bool write_unlocked_accounts(Relation heap, std::span<Account *const> accounts);

} // namespace tokpay
