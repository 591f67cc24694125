#include "transfer.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <type_traits>

namespace tokpay {

namespace {

template<class T> std::span<T> allocate(size_t count) {
	static_assert(std::is_trivially_destructible_v<T>, "palloc'd memory is freed wholesale");
	auto *memory =
		static_cast<T *>(palloc_extended(std::max<size_t>(count, 1) * sizeof(T), MCXT_ALLOC_HUGE));
	for (size_t i = 0; i < count; i++)
		new (memory + i) T();
	return {memory, count};
}

template<class T> bool same_optional(T *a, T *b, bool (*same)(T *, T *)) {
	return a == nullptr || b == nullptr ? a == b : same(a, b);
}

bool same_jsonb(Jsonb *a, Jsonb *b) {
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

// The field in which a request differs from the transfer its key belongs to, or null.
const char *difference(const Request &request, const JournalRow &row) {
	if (request.kind != row.kind)
		return "kind";
	if (!std::ranges::equal(request.credits, row.legs, {}, &Credit::account, &Leg::account))
		return "credits";
	if (!std::ranges::equal(request.credits, row.legs, {}, &Credit::amount, &Leg::amount))
		return "amounts";
	if (!same_optional(request.description, row.description, same_text))
		return "description";
	if (!same_optional(request.metadata, row.metadata, same_jsonb))
		return "metadata";
	return nullptr;
}

// The transfers of this call that have a key, found by the hash of key and debited account: a
// second use of a key in one call is not in the journal yet.
class BatchKeys {
public:
	explicit BatchKeys(size_t request_count)
		: slots_(allocate<Slot>(std::bit_ceil(2 * request_count))) {}

	void insert(int64 hash, const JournalRow *row) {
		size_t i = first(hash);
		while (slots_[i].row != nullptr)
			i = next(i);
		slots_[i] = {hash, row};
	}

	const JournalRow *find(int64 hash, int64 debit, text *key) const {
		for (size_t i = first(hash); slots_[i].row != nullptr; i = next(i)) {
			const Slot &slot = slots_[i];
			if (slot.hash == hash && slot.row->debit == debit && same_text(slot.row->key, key))
				return slot.row;
		}
		return nullptr;
	}

private:
	struct Slot {
		int64 hash = 0;
		const JournalRow *row = nullptr;
	};

	size_t first(int64 hash) const { return static_cast<size_t>(hash) & (slots_.size() - 1); }
	size_t next(size_t i) const { return (i + 1) & (slots_.size() - 1); }

	std::span<Slot> slots_;
};

// The accounts of a call, ascending by id.
class Accounts {
public:
	Accounts(std::span<const Request> requests) {
		size_t count = 0;
		for (const Request &request : requests)
			count += 1 + request.credits.size();
		std::span<int64> ids = allocate<int64>(count);
		count = 0;
		for (const Request &request : requests) {
			if (request.refusal.code != Code::ok)
				continue;
			ids[count++] = request.debit;
			for (const Credit &credit : request.credits)
				ids[count++] = credit.account;
		}
		ids = ids.first(count);
		std::ranges::sort(ids);
		ids = ids.first(std::unique(ids.begin(), ids.end()) - ids.begin());
		accounts_ = allocate<Account>(ids.size());
		for (size_t i = 0; i < ids.size(); i++)
			accounts_[i].id = ids[i];
	}

	std::span<Account> all() { return accounts_; }

	// Every account of a request that could be read is there.
	Account &operator[](int64 id) const {
		return *std::ranges::lower_bound(accounts_, id, {}, &Account::id);
	}

private:
	std::span<Account> accounts_;
};

Refusal about(Code code, const Account &account, const char *detail) {
	return {.code = code, .account = account.id, .detail = detail};
}

Refusal about_amounts(Code code, const Account &account, int64 required, const char *detail) {
	return {.code = code,
		.account = account.id,
		.has_amounts = true,
		.balance = account.row->balance,
		.required = required,
		.detail = detail};
}

Refusal not_found(int64 id) {
	return {.code = Code::account_not_found,
		.account = id,
		.detail = psprintf("There is no account " INT64_FORMAT ".", id)};
}

// One transfer against locked accounts. The rules stand in order of precedence, each an early
// return; what a rule says of all accounts it says of the debit first, then of the credits in
// order.
class Transfer {
public:
	Transfer(const Request &request, const Accounts &accounts)
		: request_(request), accounts_(accounts), debit_(accounts[request.debit]) {}

	bool debit_exists() const { return debit_.row != nullptr; }

	Refusal evaluate() {
		Refusal refusal = check_accounts();
		if (refusal.code == Code::ok)
			refusal = check_amounts();
		for (const Credit &credit : request_.credits)
			if (Account &account = accounts_[credit.account]; account.row != nullptr)
				account.incoming = 0;
		return refusal;
	}

	// After evaluate() said ok this must succeed.
	void post(int64 id, TimestampTz now, JournalRow *row) {
		TimestampTz at = std::max(now, debit_.row->last_at + 1);
		for (const Credit &credit : request_.credits)
			at = std::max(at, accounts_[credit.account].row->last_at + 1);

		const int64 debit_previous = post_entry(debit_, id, at, -total_);
		std::span<Leg> legs = allocate<Leg>(request_.credits.size());
		for (size_t i = 0; i < legs.size(); i++) {
			const Credit &credit = request_.credits[i];
			Account &account = accounts_[credit.account];
			const int64 previous = post_entry(account, id, at, credit.amount);
			legs[i] = {credit.account, credit.amount, account.row->balance, account.row->version,
				previous};
		}
		*row = {.id = id,
			.at = at,
			.debit = debit_.id,
			.amount = total_,
			.debit_balance = debit_.row->balance,
			.debit_version = debit_.row->version,
			.debit_previous = debit_previous,
			.kind = request_.kind,
			.legs = legs,
			.key = request_.key,
			.description = request_.description,
			.metadata = request_.metadata};
	}

private:
	Refusal check_accounts() {
		if (debit_.row == nullptr)
			return not_found(debit_.id);
		for (const Credit &credit : request_.credits)
			if (accounts_[credit.account].row == nullptr)
				return not_found(credit.account);

		if (debit_.row->min_balance == no_floor &&
			!has_privs_of_role(GetUserId(), get_role_oid("tokpay_funder", false)))
			return about(Code::not_permitted, debit_,
				psprintf("Account " INT64_FORMAT " has no floor.", debit_.id));

		for (const Credit &credit : request_.credits)
			if (credit.account == debit_.id)
				return about(Code::same_account, debit_,
					psprintf("Account " INT64_FORMAT " is debited and credited.", debit_.id));

		for (const Credit &credit : request_.credits)
			if (Account &account = accounts_[credit.account];
				!same_text(account.currency, debit_.currency))
				return about(Code::currency_mismatch, account,
					psprintf("Account " INT64_FORMAT " is in %s, the debited one in %s.",
						account.id, text_to_cstring(account.currency),
						text_to_cstring(debit_.currency)));

		if (const Account *account = first_with_status('f'))
			return about(Code::account_frozen, *account,
				psprintf("Account " INT64_FORMAT " is frozen.", account->id));
		if (const Account *account = first_with_status('c'))
			return about(Code::account_closed, *account,
				psprintf("Account " INT64_FORMAT " is closed.", account->id));
		return {};
	}

	Refusal check_amounts() {
		total_ = 0;
		for (const Credit &credit : request_.credits)
			if (__builtin_add_overflow(total_, credit.amount, &total_))
				return about(
					Code::amount_overflow, debit_, "The sum of the amounts does not fit a bigint.");
		int64 balance;
		if (__builtin_sub_overflow(debit_.row->balance, total_, &balance))
			return about(Code::amount_overflow, debit_,
				psprintf(
					"The balance of account " INT64_FORMAT " would not fit a bigint.", debit_.id));
		for (const Credit &credit : request_.credits) {
			Account &account = accounts_[credit.account];
			account.incoming += credit.amount; // at most total_
			if (__builtin_add_overflow(account.row->balance, account.incoming, &balance))
				return about(Code::amount_overflow, account,
					psprintf("The balance of account " INT64_FORMAT " would not fit a bigint.",
						account.id));
		}

		if (debit_.row->min_balance != no_floor && available(*debit_.row) < total_)
			return about_amounts(Code::insufficient_funds, debit_, total_,
				psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
						 " available, the transfer needs " INT64_FORMAT ".",
					debit_.id, available(*debit_.row), total_));

		for (const Credit &credit : request_.credits) {
			const Account &account = accounts_[credit.account];
			if (account.row->balance + account.incoming > account.row->max_balance)
				return about_amounts(Code::balance_limit, account, account.incoming,
					psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
							 ", a credit of " INT64_FORMAT
							 " would lift it above its max_balance " INT64_FORMAT ".",
						account.id, account.row->balance, account.incoming,
						account.row->max_balance));
		}
		return {};
	}

	const Account *first_with_status(char status) const {
		if (debit_.row->status == status)
			return &debit_;
		for (const Credit &credit : request_.credits)
			if (accounts_[credit.account].row->status == status)
				return &accounts_[credit.account];
		return nullptr;
	}

	// Returns the account's transfer before this one.
	static int64 post_entry(Account &account, int64 id, TimestampTz at, int64 amount) {
		AccountRow &row = *account.row;
		const int64 previous = row.last_transfer;
		row.balance += amount;
		row.version += 1;
		row.last_transfer = id;
		row.last_at = at;
		account.changed = true;
		return previous;
	}

	const Request &request_;
	const Accounts &accounts_;
	Account &debit_;
	int64 total_ = 0;
};

// The answer where the key is known already: a replay or key_reused. Nothing in it points into row.
Outcome answer_from(const Request &request, const JournalRow &row) {
	if (const char *field = difference(request, row))
		return {.refusal = {.code = Code::key_reused,
					.account = request.debit,
					.detail = psprintf("Account " INT64_FORMAT
									   " used key \"%s\" for transfer " INT64_FORMAT
									   ", which differs in its %s.",
						request.debit, text_to_cstring(request.key), row.id, field)}};
	Outcome outcome{.replayed = true, .row = row};
	outcome.row.legs = allocate<Leg>(row.legs.size());
	std::ranges::copy(row.legs, outcome.row.legs.begin());
	outcome.row.key = outcome.row.description = nullptr;
	outcome.row.metadata = nullptr;
	return outcome;
}

} // namespace

void execute_transfers(std::span<const Request> requests, std::span<Outcome> outcomes) {
	require_leader();
	PreventCommandIfReadOnly("a transfer");
	PreventCommandIfParallelMode("a transfer");

	const Table account_table = open_table("account_state", "account_state_pkey", RowExclusiveLock);
	const Table journal = open_table("journal", "journal_pkey", RowExclusiveLock);
	const Oid transfer_ids = relation_oid("transfer_id_seq");

	// Earlier calls of the same statement are seen, as SPI makes them; the snapshot is younger than
	// the table locks.
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	Accounts accounts(requests);
	lock_accounts(account_table, accounts.all());
	PopActiveSnapshot();

	// Under READ COMMITTED a snapshot from after the locks sees every key that was ever used on a
	// locked account. Under the stricter levels the lock has proved the account unchanged since the
	// transaction's snapshot, which therefore sees them too.
	PushActiveSnapshot(GetTransactionSnapshot());
	const TimestampTz now = GetCurrentTimestamp();
	KeyProbe key_probe = begin_key_probe(journal, GetActiveSnapshot());
	BatchKeys batch_keys(requests.size());
	std::span<JournalRow> rows = allocate<JournalRow>(requests.size());
	size_t row_count = 0;
	for (size_t i = 0; i < requests.size(); i++) {
		const Request &request = requests[i];
		Outcome &outcome = outcomes[i];
		outcome.refusal = request.refusal;
		if (request.refusal.code != Code::ok)
			continue;
		Transfer transfer(request, accounts);
		int64 hash = 0;
		if (request.key != nullptr && transfer.debit_exists()) {
			hash = key_hash(request.key, request.debit);
			JournalRow known;
			if (const JournalRow *row = batch_keys.find(hash, request.debit, request.key)) {
				outcome = answer_from(request, *row);
				continue;
			}
			if (probe_key(key_probe, request.debit, request.key, hash, &known)) {
				outcome = answer_from(request, known);
				continue;
			}
		}
		outcome.refusal = transfer.evaluate();
		if (outcome.refusal.code != Code::ok)
			continue;
		JournalRow &row = rows[row_count++];
		transfer.post(nextval_internal(transfer_ids, false), now, &row);
		outcome.row = row;
		if (request.key != nullptr)
			batch_keys.insert(hash, &row);
	}
	end_key_probe(key_probe);
	PopActiveSnapshot();

	if (row_count > 0) {
		PushActiveSnapshot(GetTransactionSnapshot()); // for TOAST
		write_accounts(account_table, accounts.all());
		append_to_journal(journal, rows.first(row_count));
		PopActiveSnapshot();
	}
	close_table(journal);
	close_table(account_table);
}

} // namespace tokpay
