// The part of the books that a call works on: accounts locked, changes made in memory and undone
// there, everything written at the end.
#pragma once

#include "account.hpp"
#include "journal.hpp"
#include "pending_hold.hpp"
#include "waypoint.hpp"

namespace tokpay {

// A new transfer, as far as the books do not work it out themselves.
struct Posting {
	char kind = kind_transfer;
	Account *debit = nullptr;
	std::span<Account *const> credits;
	std::span<const int64> amounts; // one per credit; negative in a reverse
	int64 total = 0;				// their sum
	text *key = nullptr;
	int64 key_hash = 0;
	text *description = nullptr;
	Jsonb *metadata = nullptr;
	int64 target = 0;
	TimestampTz at = 0;
	TimestampTz expires_at = DT_NOEND;
	JournalRow *written = nullptr; // by the first decision, for the same request
};

// The order of calls: the constructor, add() for every account, read(), perhaps lock(), then the
// rest, write() and close(). Memory is the current context's.
//
// Without lock() the requests are decided and the journal is written before any row is locked, and
// write() then locks the accounts and finds out whether they are still as they were read. Where one
// is not, write() returns false, and the call decides all requests once more and calls write()
// again: it mends what has come out otherwise. It returns false twice at most; then everything is
// locked.
class Books {
public:
	// Errors: not_leader, a read-only transaction (25006), parallel mode, which name what is done.
	// max_accounts is how often add() will be called at most.
	Books(const char *what, size_t max_accounts);

	// The account with this id, the same one for the same id.
	Account *add(int64 id);

	// Finds all accounts and loads what the snapshot shows of them.
	void read();

	// Whether there are holds, whose end must be seen, so that locks have to be had first.
	bool has_holds() const;

	// Locks all accounts in ascending order and loads what has moved on.
	void lock(LockWaitPolicy policy);

	// These read under a snapshot that sees whatever was committed before the locks were had, or
	// before the rows were read that write() proves to be unchanged.
	JournalReader &journal();
	PendingHoldReader &pending_holds();

	// The earliest time that is later than every transfer of the accounts, and not in the past.
	TimestampTz earliest_time(const Account *debit, std::span<Account *const> credits) const;

	// Books a transfer of any kind; it must be allowed. For captures and voids end_hold is the
	// hold.
	JournalRow *post(const Posting &posting, const PendingHold *end_hold);

	// Ends as many of the account's holds that have expired by then, oldest first, as it takes to
	// have so much available. False and no change where all of them are not enough.
	bool release_expired(Account *account, int64 needed, TimestampTz by);
	// Records the end of one.
	void expire(Account *debit, const PendingHold &hold);
	// Whether this call has ended a hold, which its snapshot still sees.
	bool has_ended(int64 hold);

	// Where to return to: everything booked after mark() is as if it had never been.
	struct Mark {
		size_t saved;
		size_t rows;
		size_t waypoints;
		size_t new_holds;
		size_t ended_holds;
	};
	Mark mark();
	void undo(const Mark &mark);
	// What was booked so far stays; marks made before are void.
	void keep() { saved_.shrink(0); }

	// Keeps an account's present state for undo(); everything that changes one calls it first.
	void save(Account *account) {
		saved_.push_back({account, account->state(), account->released});
	}

	// False where an account has moved on: decide again.
	bool write();
	void close();

private:
	struct Saved {
		Account *account;
		AccountState state;
		int64 released;
	};

	Snapshot snapshot();
	size_t contended_count() const;
	bool lock_as_read();
	void begin_again();
	void mend_journal();
	Relation hold_heap();
	JournalRow *new_row(char kind, int64 debit, TimestampTz at, JournalRow *written);
	int64 post_entry(Account *account, int64 transfer, TimestampTz at, int64 amount);
	void touch(Account *account, TimestampTz at);

	Relation account_heap_;
	Relation journal_heap_;
	Relation hold_heap_ = nullptr; // opened when it is needed
	std::span<Account> accounts_;
	size_t account_count_ = 0;
	std::span<uint32> table_;		 // open addressing: 1 + index into accounts_, 0 for none
	std::span<Account *> ascending_; // by id
	bool locked_ = false;			 // all of them
	bool again_ = false;			 // the requests are decided again
	TimestampTz now_ = 0;
	int snapshot_count_ = 1; // that are active; the accounts were read under the first
	Snapshot snapshot_ = nullptr;
	JournalReader *journal_ = nullptr;
	PendingHoldReader *pending_holds_ = nullptr;
	Vector<Saved> saved_;
	Vector<JournalRow *> rows_;
	std::span<JournalRow *> written_rows_; // those of the first decision
	Vector<Waypoint> waypoints_;
	Vector<PendingHold> new_holds_;
	Vector<PendingHold> ended_holds_;
};

} // namespace tokpay
