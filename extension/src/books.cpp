#include "books.hpp"

#include "statistics.hpp"

#include "fence.hpp"
#include "refusal.hpp"

#include <bit>

namespace tokpay {

Books::Books(const char *what, size_t max_accounts) {
	require_leader();
	PreventCommandIfReadOnly(what);
	PreventCommandIfParallelMode(what);
	account_heap_ = open_heap(catalog().account_state, RowExclusiveLock);
	journal_heap_ = open_heap(catalog().journal, RowExclusiveLock);
	accounts_ = allocate<Account>(max_accounts);
	table_ = allocate<uint32>(std::bit_ceil(2 * max_accounts));
}

Account *Books::add(int64 id) {
	const size_t mask = table_.size() - 1;
	size_t place = static_cast<uint64>(id) * UINT64CONST(0x9E3779B97F4A7C15) >> 32 & mask;
	while (table_[place] != 0) {
		Account &account = accounts_[table_[place] - 1];
		if (account.id == id) {
			account.uses++;
			return &account;
		}
		place = (place + 1) & mask;
	}
	Account &account = accounts_[account_count_++];
	account.id = id;
	account.uses = 1;
	table_[place] = static_cast<uint32>(account_count_);
	return &account;
}

// Earlier calls of the same statement are seen, as SPI makes them; the snapshot is younger than the
// table locks.
void Books::read() {
	ascending_ = allocate<Account *>(account_count_);
	for (size_t i = 0; i < account_count_; i++)
		ascending_[i] = &accounts_[i];
	std::ranges::sort(ascending_, {}, &Account::id);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	read_accounts(account_heap_, ascending_);
	now_ = GetCurrentTimestamp();
}

bool Books::has_holds() const {
	return std::ranges::any_of(accounts_.first(account_count_),
		[](const Account &account) { return account.row != nullptr && account.row->held != 0; });
}

// How many accounts, in ascending order, it takes to have all those that others were changing when
// they were read; 0 unless more than a sixteenth of the requests are about such.
size_t Books::contended_count() const {
	constexpr uint64 tolerated_share = 16;
	uint64 uses = 0;
	uint64 in_use = 0;
	size_t count = 0;
	for (size_t i = 0; i < ascending_.size(); i++) {
		uses += ascending_[i]->uses;
		if (!ascending_[i]->in_use)
			continue;
		in_use += ascending_[i]->uses;
		count = i + 1;
	}
	return in_use * tolerated_share > uses ? count : 0;
}

void Books::lock(LockWaitPolicy policy) {
	lock_accounts(account_heap_, ascending_, policy);
	locked_ = true;
	now_ = GetCurrentTimestamp();
}

// With the locks a second snapshot sees every key that was ever used on an account and every hold
// that is pending on it. Without them the first one does where the account turns out to be
// unmoved, since every use of a key and every end of a hold changes its row; so does the
// transaction's snapshot under the stricter levels.
Snapshot Books::snapshot() {
	if (snapshot_ == nullptr) {
		if (locked_ || again_) {
			PushActiveSnapshot(GetTransactionSnapshot());
			snapshot_count_++;
		}
		snapshot_ = GetActiveSnapshot();
	}
	return snapshot_;
}

JournalReader &Books::journal() {
	if (journal_ == nullptr)
		journal_ = new (palloc(sizeof(JournalReader))) JournalReader(journal_heap_, snapshot());
	return *journal_;
}

Relation Books::hold_heap() {
	if (hold_heap_ == nullptr)
		hold_heap_ = open_heap(catalog().pending_hold, RowExclusiveLock);
	return hold_heap_;
}

PendingHoldReader &Books::pending_holds() {
	if (pending_holds_ == nullptr)
		pending_holds_ =
			new (palloc(sizeof(PendingHoldReader))) PendingHoldReader(hold_heap(), snapshot());
	return *pending_holds_;
}

TimestampTz Books::earliest_time(const Account *debit, std::span<Account *const> credits) const {
	TimestampTz at = std::max(now_, debit->row->last_at + 1);
	for (const Account *credit : credits)
		at = std::max(at, credit->row->last_at + 1);
	return at;
}

JournalRow *Books::new_row(char kind, int64 debit, TimestampTz at, JournalRow *written) {
	auto *row = new (palloc(sizeof(JournalRow))) JournalRow;
	// One that was undone, or decided again before it was due, was never written.
	while (written != nullptr && !ItemPointerIsValid(&written->place))
		written = written->written;
	row->written = written;
	row->id = written != nullptr ? written->id : nextval_internal(catalog().transfer_id_seq, false);
	row->at = at;
	row->debit = debit;
	row->kind = kind;
	row->epoch = fence_state().epoch_id;
	rows_.push_back(row);
	return row;
}

// Returns the account's transfer before this one.
int64 Books::post_entry(Account *account, int64 transfer, TimestampTz at, int64 amount) {
	save(account);
	AccountRow &row = *account->row;
	const int64 previous = row.last_transfer;
	row.balance += amount;
	row.version += 1;
	row.last_transfer = transfer;
	row.last_at = at;
	if (row.version % waypoint_spacing == 0)
		waypoints_.push_back({account->id, row.version, transfer, at});
	return previous;
}

// A transfer that names the account without changing its balance still has a time of its own.
void Books::touch(Account *account, TimestampTz at) {
	save(account);
	account->row->last_at = at;
}

JournalRow *Books::post(const Posting &posting, const PendingHold *end_hold) {
	Account *debit = posting.debit;
	JournalRow *row = new_row(posting.kind, debit->id, posting.at, posting.written);
	row->amount = posting.total;
	row->key = posting.key;
	row->key_hash = posting.key_hash;
	row->description = posting.description;
	row->metadata = posting.metadata;
	row->target = posting.target;
	row->expires_at = posting.expires_at;
	row->legs = allocate<Leg>(posting.credits.size());

	if (has_entries(posting.kind))
		row->debit_previous = post_entry(debit, row->id, posting.at, -posting.total);
	else
		touch(debit, posting.at);
	for (size_t i = 0; i < row->legs.size(); i++) {
		Account *credit = posting.credits[i];
		Leg &leg = row->legs[i];
		leg = {.account = credit->id, .amount = posting.amounts[i]};
		if (!has_entries(posting.kind)) {
			touch(credit, posting.at);
			continue;
		}
		if (leg.amount != 0)
			leg.previous = post_entry(credit, row->id, posting.at, leg.amount);
		else
			touch(credit, posting.at);
		leg.balance = credit->row->balance;
		leg.version = credit->row->version;
	}

	if (posting.key != nullptr)
		*debit->key_filter |= key_bits(posting.key_hash);
	if (posting.kind == kind_hold) {
		debit->row->held += posting.total;
		new_holds_.push_back({.hold = row->id,
			.debit = debit->id,
			.amount = posting.total,
			.expires_at = posting.expires_at});
	}
	if (end_hold != nullptr) {
		debit->row->held -= end_hold->amount;
		ended_holds_.push_back(*end_hold);
	}
	row->debit_balance = debit->row->balance;
	row->debit_version = debit->row->version;
	return row;
}

void Books::expire(Account *debit, const PendingHold &hold) {
	const TimestampTz at = std::max({now_, debit->row->last_at + 1, hold.expires_at});
	JournalRow *row = new_row(kind_expiry, debit->id, at, nullptr);
	row->amount = hold.amount;
	row->target = hold.hold;
	touch(debit, at);
	debit->row->held -= hold.amount;
	debit->released += 1;
	row->debit_balance = debit->row->balance;
	row->debit_version = debit->row->version;
	ended_holds_.push_back(hold);
}

bool Books::has_ended(int64 hold) {
	const std::span<const PendingHold> ended = ended_holds_.all();
	return std::ranges::find(ended, hold, &PendingHold::hold) != ended.end();
}

bool Books::release_expired(Account *account, int64 needed, TimestampTz by) {
	if (account->row->held == 0)
		return false;
	__int128 missing = static_cast<__int128>(needed) - available(*account->row);
	Vector<PendingHold> expired;
	PendingHold hold;
	// The snapshot still sees those that this call has ended: as many as it has let expire, which
	// come first in the same order, and those that it has voided or captured.
	int64 ended = account->released;
	pending_holds().begin_expired_of(account->id, by);
	while (missing > 0 && pending_holds().next(&hold)) {
		if (ended-- > 0 || has_ended(hold.hold))
			continue;
		expired.push_back(hold);
		missing -= hold.amount;
	}
	if (missing > 0)
		return false;
	for (const PendingHold &found : expired.all())
		expire(account, found);
	return true;
}

Books::Mark Books::mark() {
	return {saved_.size(), rows_.size(), waypoints_.size(), new_holds_.size(), ended_holds_.size()};
}

void Books::undo(const Mark &mark) {
	for (size_t i = saved_.size(); i-- > mark.saved;) {
		const Saved &saved = saved_[i];
		saved.account->set(saved.state);
		saved.account->released = saved.released;
	}
	saved_.shrink(mark.saved);
	rows_.shrink(mark.rows);
	waypoints_.shrink(mark.waypoints);
	new_holds_.shrink(mark.new_holds);
	ended_holds_.shrink(mark.ended_holds);
}

// The journal first: until the accounts are written nobody waits for this call, and its index
// entries are a third of the work.
bool Books::write() {
	fence_state().wrote |= !rows_.empty();
	if (!again_)
		append_to_journal(journal_heap_, rows_.all());
	if (!locked_ && !lock_as_read()) {
		begin_again();
		return false;
	}
	if (again_)
		CommandCounterIncrement(); // what this call has written is to be written again
	if (locked_)
		write_accounts(account_heap_, ascending_);
	if (again_)
		mend_journal();
	if (!waypoints_.empty()) {
		Relation heap = open_heap(catalog().waypoint, RowExclusiveLock);
		insert_waypoints(heap, waypoints_.all());
		table_close(heap, NoLock);
	}
	if (!new_holds_.empty())
		insert_pending_holds(hold_heap(), new_holds_.all());
	if (!ended_holds_.empty()) {
		delete_pending_holds(hold_heap(), ended_holds_.all());
		count_expired(std::ranges::count(rows_.all(), kind_expiry, &JournalRow::kind));
	}
	return true;
}

// An update is a lock as well, but in vain where the requests will be decided again. So contended
// accounts are waited for before anything is updated, and are then as they will stay.
bool Books::lock_as_read() {
	if (const size_t count = contended_count();
		count > 0 && !again_ &&
		!lock_accounts(account_heap_, ascending_.first(count), LockWaitBlock))
		return false;
	if (write_unlocked_accounts(account_heap_, ascending_))
		return true;
	locked_ = true;
	return false;
}

// The accounts are as they were before the call again, or as somebody else has left them.
void Books::begin_again() {
	for (Account *account : ascending_) {
		account->released = 0;
		if (account->row == nullptr)
			continue;
		if (account->written)
			account->stored = new (palloc(sizeof(AccountState))) AccountState(account->state());
		account->set(account->read);
	}
	if (!again_) {
		written_rows_ = allocate<JournalRow *>(rows_.size());
		std::ranges::copy(rows_.all(), written_rows_.begin());
	}
	again_ = true;
	rows_.shrink(0);
	waypoints_.shrink(0);
	new_holds_.shrink(0);
	ended_holds_.shrink(0);
	saved_.shrink(0);
	if (journal_ != nullptr)
		journal_->end();
	if (pending_holds_ != nullptr)
		pending_holds_->end();
	journal_ = nullptr;
	pending_holds_ = nullptr;
	snapshot_ = nullptr;
}

// Rows that have come out as before stay; the others are overwritten, or deleted and written again.
void Books::mend_journal() {
	Vector<JournalRow *> again;
	const bool overwrites = overwrites_journal(journal_heap_);
	JournalOverwriter overwriter(journal_heap_);
	for (JournalRow *row : rows_.all()) {
		JournalRow *written = row->written;
		if (written != nullptr &&
			(same_row(*row, *written) ||
				(overwrites && same_request(*row, *written) && overwriter.overwrite(row))))
			written->stays = true;
		else
			again.push_back(row);
	}
	overwriter.end();
	for (JournalRow *row : written_rows_)
		if (!row->stays)
			simple_heap_delete(journal_heap_, &row->place);
	append_to_journal(journal_heap_, again.all());
}

void Books::close() {
	if (journal_ != nullptr)
		journal_->end();
	if (pending_holds_ != nullptr)
		pending_holds_->end();
	for (; snapshot_count_ > 0; snapshot_count_--)
		PopActiveSnapshot();
	if (hold_heap_ != nullptr)
		table_close(hold_heap_, NoLock);
	table_close(journal_heap_, NoLock);
	table_close(account_heap_, NoLock);
}

} // namespace tokpay
