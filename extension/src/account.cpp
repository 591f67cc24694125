#include "account.hpp"

#include "index_search.hpp"
#include "index_writer.hpp"
#include "refusal.hpp"
#include "row_hints.hpp"

#include <algorithm>

namespace tokpay {

static_assert(offsetof(AccountRow, status) == 8 * sizeof(int64), "as declared in sql/tables.sql");

namespace {

// A page with less room than two versions of a row is worth pruning before it is updated. Pruning
// on every visit, as the reserve of fillfactor makes an index scan do, costs a tenth of a batch.
constexpr Size prune_below_bytes = 256;

RowHints hints;

// No column before it is null or of another width, so it is where the struct ends.
text *currency_of(HeapTuple tuple) {
	return reinterpret_cast<text *>(row_bytes(tuple) + account_row_bytes);
}

// Of an aligned row; the column after currency.
uint64 *key_filter_of(AccountRow *row, text *currency) {
	const Size offset = MAXALIGN(account_row_bytes + VARSIZE_ANY(currency));
	return reinterpret_cast<uint64 *>(reinterpret_cast<char *>(row) + offset);
}

} // namespace

int64 available(const AccountRow &row) {
	const __int128 exact = static_cast<__int128>(row.balance) - row.held - row.min_balance;
	return static_cast<int64>(std::clamp<__int128>(exact, PG_INT64_MIN, PG_INT64_MAX));
}

// The length is asked for after the table lock: VACUUM FULL and truncation leave hints past the
// end, where reading is an error and no miss.
AccountReader::AccountReader(Relation heap, Snapshot snapshot)
	: heap_(heap), snapshot_(snapshot), blocks_(RelationGetNumberOfBlocks(heap)) {
	hints.fit(heap, blocks_);
}

void AccountReader::prefetch_hint(int64 id) {
	hints.prefetch(id);
}

// The header of the buffer, of the page, and the line pointer. Neither pin nor lock: whatever is
// read here only says which address to load early.
void AccountReader::prefetch_page(int64 id) const {
	ItemPointerData tid;
	if (!hints.find(id, &tid) || ItemPointerGetBlockNumber(&tid) >= blocks_)
		return;
	const Buffer buffer = hints.block(ItemPointerGetBlockNumber(&tid)).buffer;
	if (buffer == InvalidBuffer)
		return;
	Page page = BufferGetPage(buffer);
	__builtin_prefetch(&BufferDescriptors[buffer - 1]);
	__builtin_prefetch(page);
	__builtin_prefetch(PageGetItemId(page, ItemPointerGetOffsetNumber(&tid)));
}

// The row that the line pointer leads to, by way of a redirection or not.
void AccountReader::prefetch_row(int64 id) const {
	ItemPointerData tid;
	if (!hints.find(id, &tid) || ItemPointerGetBlockNumber(&tid) >= blocks_)
		return;
	const Buffer buffer = hints.block(ItemPointerGetBlockNumber(&tid)).buffer;
	if (buffer == InvalidBuffer)
		return;
	Page page = BufferGetPage(buffer);
	ItemIdData pointer = *PageGetItemId(page, ItemPointerGetOffsetNumber(&tid));
	if (ItemIdIsRedirected(&pointer) && ItemIdGetRedirect(&pointer) <= MaxHeapTuplesPerPage)
		pointer = *PageGetItemId(page, ItemIdGetRedirect(&pointer));
	const char *row = page + ItemIdGetOffset(&pointer) % BLCKSZ;
	__builtin_prefetch(row);
	__builtin_prefetch(row + sizeof(AccountRow));
}

// Past the buffer mapping table where the block is still in the buffer of last time.
void AccountReader::pin(BlockNumber block) {
	if (BufferIsValid(buffer_)) {
		if (BufferGetBlockNumber(buffer_) == block)
			return;
		ReleaseBuffer(buffer_);
	}
	Buffer &recent = hints.block(block).buffer;
	buffer_ = recent;
	if (buffer_ != InvalidBuffer && pin_recent_buffer(heap_, block, buffer_))
		return;
	buffer_ = InvalidBuffer;
	buffer_ = ReadBuffer(heap_, block);
	recent = buffer_;
}

const AccountRow *AccountReader::find(int64 id) {
	return find_by_hint(id) || find_by_index(id) ? row() : nullptr;
}

// A snapshot sees at most one version of an id, so the one found by whatever way is the right one.
bool AccountReader::find_by_hint(int64 id) {
	ItemPointerData tid;
	return hints.find(id, &tid) && ItemPointerGetBlockNumber(&tid) < blocks_ &&
		   find_at(tid, id, nullptr);
}

// Looks along the HOT chain that begins at root. Not by index_fetch_heap, which prunes the page on
// nearly every visit, because fillfactor keeps room free on it.
bool AccountReader::find_at(ItemPointerData root, int64 id, bool *all_dead) {
	pin(ItemPointerGetBlockNumber(&root));
	if (prunes && PageGetFreeSpace(BufferGetPage(buffer_)) < prune_below_bytes)
		heap_page_prune_opt(heap_, buffer_);
	LockBuffer(buffer_, BUFFER_LOCK_SHARE);
	const bool found =
		heap_hot_search_buffer(&root, heap_, buffer_, snapshot_, &tuple_, all_dead, true);
	LockBuffer(buffer_, BUFFER_LOCK_UNLOCK);
	return found && row()->id == id;
}

bool AccountReader::find_by_index(int64 id) {
	if (scan_ == nullptr) {
		index_ = index_open(catalog().account_state_pkey, AccessShareLock);
		scan_ = begin_index_scan(heap_, index_, snapshot_, 1);
	}
	ScanKeyData key = equals(1, id);
	index_rescan(scan_, &key, 1, nullptr, 0);
	// After an update that was not HOT the index has several chains; the first may be dead.
	while (ItemPointer entry = index_getnext_tid(scan_, ForwardScanDirection)) {
		const ItemPointerData root = *entry;
		const BlockNumber block = ItemPointerGetBlockNumber(&root);
		bool all_dead = false;
		// The table may have grown since its length was asked for.
		if (block >= blocks_)
			hints.fit(heap_, blocks_ = RelationGetNumberOfBlocks(heap_));
		if (!find_at(root, id, &all_dead)) {
			scan_->kill_prior_tuple = all_dead; // as index_fetch_heap tells the index
			continue;
		}
		hints.remember(id, block, ItemPointerGetOffsetNumber(&root));
		if (!hints.block(block).learned)
			learn(block);
		return true;
	}
	return false;
}

// Remembers all rows of a block, so that a new connection misses once a block and not once a row.
void AccountReader::learn(BlockNumber block) const {
	const Buffer buffer = ReadBuffer(heap_, block);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	const OffsetNumber last = PageGetMaxOffsetNumber(page);
	for (OffsetNumber root = FirstOffsetNumber; root <= last; root++) {
		ItemId pointer = PageGetItemId(page, root);
		if (ItemIdIsRedirected(pointer))
			pointer = PageGetItemId(page, ItemIdGetRedirect(pointer));
		else if (!ItemIdIsNormal(pointer) ||
				 HeapTupleHeaderIsHeapOnly(
					 reinterpret_cast<HeapTupleHeader>(PageGetItem(page, pointer))))
			continue;
		const auto header = reinterpret_cast<HeapTupleHeader>(PageGetItem(page, pointer));
		const auto *row =
			reinterpret_cast<AccountRow *>(reinterpret_cast<char *>(header) + header->t_hoff);
		hints.remember(row->id, block, root);
	}
	UnlockReleaseBuffer(buffer);
	hints.block(block).learned = true;
}

text *AccountReader::currency() {
	return currency_of(&tuple_);
}

HeapTuple AccountReader::copy() {
	return heap_copytuple(&tuple_);
}

void AccountReader::end() {
	if (BufferIsValid(buffer_))
		ReleaseBuffer(buffer_);
	if (scan_ == nullptr)
		return;
	index_endscan(scan_);
	index_close(index_, NoLock);
}

namespace {

// Whether a transaction other than ours is changing or locking this version, or has replaced it.
bool is_in_use(HeapTupleHeader header) {
	if ((header->t_infomask & HEAP_XMAX_INVALID) != 0)
		return false;
	if ((header->t_infomask & HEAP_XMAX_IS_MULTI) != 0)
		return true;
	const TransactionId other = HeapTupleHeaderGetRawXmax(header);
	if (TransactionIdIsCurrentTransactionId(other))
		return false;
	return !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) || TransactionIdIsInProgress(other);
}

void load(Account *account, HeapTuple copy) {
	account->tuple = copy;
	account->row = reinterpret_cast<AccountRow *>(row_bytes(copy));
	account->currency = currency_of(copy);
	account->key_filter = key_filter_of(account->row, account->currency);
	account->read = account->state();
}

// Whether the row exists by now, whatever the transaction's snapshot sees.
bool exists_by_now(Relation heap, int64 id) {
	Snapshot latest = RegisterSnapshot(GetLatestSnapshot());
	AccountReader reader(heap, latest);
	const bool exists = reader.find(id) != nullptr;
	reader.end();
	UnregisterSnapshot(latest);
	return exists;
}

// Names the account in the error of a lock that was not had in time, which the gateway reads. On
// the stack between its making and end(); an error unwinds it with the others.
class LockErrorContext {
public:
	LockErrorContext()
		: callback_{.previous = error_context_stack, .callback = add_detail, .arg = this} {
		error_context_stack = &callback_;
	}
	LockErrorContext(const LockErrorContext &) = delete;
	LockErrorContext &operator=(const LockErrorContext &) = delete;

	void end() { error_context_stack = callback_.previous; }

	int64 account = 0; // the one that is being locked

private:
	static void add_detail(void *context) {
		if (geterrcode() == ERRCODE_LOCK_NOT_AVAILABLE)
			errdetail_internal("Account " INT64_FORMAT " is locked by another transaction.",
				static_cast<LockErrorContext *>(context)->account);
	}

	ErrorContextCallback callback_;
};

// Locks the row at tid; slot then holds its newest version. False where it is gone or, under
// LockWaitSkip, held by others. Follows ExecLockRows in PostgreSQL's nodeLockRows.c.
bool lock_row(
	Relation heap, ItemPointerData tid, int64 id, LockWaitPolicy policy, TupleTableSlot *slot) {
	Snapshot snapshot = GetActiveSnapshot();
	const uint8 flags = IsolationUsesXactSnapshot() ? 0 : TUPLE_LOCK_FLAG_FIND_LAST_VERSION;
	TM_FailureData failure;
	const TM_Result result = table_tuple_lock(heap, &tid, snapshot, slot, snapshot->curcid,
		LockTupleNoKeyExclusive, policy, flags, &failure);
	switch (result) {
	case TM_Ok:
		return true;
	case TM_WouldBlock:
		return false;
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

// False where the account is no longer as it was read: it is loaded anew, or left out.
bool lock_account(Relation heap, Account *account, LockWaitPolicy policy, TupleTableSlot *slot) {
	ItemPointerData place = account->tuple->t_self;
	if (!lock_row(heap, place, account->id, policy, slot)) {
		account->tuple = nullptr;
		account->row = nullptr;
		return false;
	}
	if (ItemPointerEquals(&slot->tts_tid, &place))
		return true;
	load(account, ExecCopySlotHeapTuple(slot));
	return false;
}

// Updates rows and what the update asks of their indexes.
class AccountWriter {
public:
	explicit AccountWriter(Relation heap)
		: heap_(heap), indexes_(heap), command_(GetCurrentCommandId(true)) {}

	// Waits for others who are changing the row; TM_Ok, or what they have done to it.
	TM_Result write(Account *account) {
		TM_FailureData failure;
		IndexesToUpdate to_update;
		const TM_Result result = update_row(
			heap_, &account->tuple->t_self, account->tuple, command_, &failure, &to_update);
		if (result != TM_Ok || to_update == IndexesToUpdate::none)
			return result;
		// The id stays as it is, which the index uses to delete dead entries first.
		indexes_.insert(account->tuple,
			{.after_update = true, .summarizing_only = to_update == IndexesToUpdate::summarizing});
		if (to_update == IndexesToUpdate::all)
			hints.remember(account->id, ItemPointerGetBlockNumber(&account->tuple->t_self),
				ItemPointerGetOffsetNumber(&account->tuple->t_self));
		return result;
	}

	void end() { indexes_.end(); }

private:
	Relation heap_;
	IndexWriter indexes_;
	CommandId command_;
};

} // namespace

// What the snapshot sees stays where it is as long as the snapshot is active.
void read_accounts(Relation heap, std::span<Account *const> accounts) {
	AccountReader reader(heap, GetActiveSnapshot());
	reader.prunes = true;
	for (size_t i = 0; i < accounts.size(); i++) {
		CHECK_FOR_INTERRUPTS();
		reader.look_ahead(i, accounts.size(), [&](size_t j) { return accounts[j]->id; });
		Account *account = accounts[i];
		if (reader.find(account->id) != nullptr) {
			load(account, reader.copy());
			account->in_use = is_in_use(account->tuple->t_data);
		} else if (IsolationUsesXactSnapshot() && exists_by_now(heap, account->id)) {
			raise_serialization_failure();
		}
	}
	reader.end();
}

bool lock_accounts(Relation heap, std::span<Account *const> accounts, LockWaitPolicy policy) {
	TupleTableSlot *slot = table_slot_create(heap, nullptr);
	LockErrorContext context;
	bool unmoved = true;
	for (Account *account : accounts) {
		CHECK_FOR_INTERRUPTS();
		context.account = account->id;
		if (account->row != nullptr)
			unmoved &= lock_account(heap, account, policy, slot);
	}
	context.end();
	ExecDropSingleTupleTableSlot(slot);
	return unmoved;
}

void write_accounts(Relation heap, std::span<Account *const> accounts) {
	AccountWriter writer(heap);
	for (Account *account : accounts)
		if (account->row != nullptr && !account->is_stored())
			if (const TM_Result result = writer.write(account); result != TM_Ok)
				elog(ERROR, "unexpected result %d of updating account " INT64_FORMAT, result,
					account->id);
	writer.end();
}

bool write_unlocked_accounts(Relation heap, std::span<Account *const> accounts) {
	AccountWriter writer(heap);
	TupleTableSlot *slot = table_slot_create(heap, nullptr);
	LockErrorContext context;
	bool unmoved = true;
	for (Account *account : accounts) {
		CHECK_FOR_INTERRUPTS();
		context.account = account->id;
		if (account->row == nullptr)
			continue;
		if (unmoved && !account->is_stored() && writer.write(account) == TM_Ok)
			account->written = true;
		else
			unmoved &= lock_account(heap, account, LockWaitBlock, slot);
	}
	context.end();
	ExecDropSingleTupleTableSlot(slot);
	writer.end();
	return unmoved;
}

} // namespace tokpay
