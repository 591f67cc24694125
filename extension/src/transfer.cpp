#include "transfer.hpp"

#include "books.hpp"

#include <bit>

namespace tokpay {

namespace {

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
	if ((request.target == nullptr ? 0 : request.target->id) != row.target)
		return request.kind == kind_reverse ? "reversed transfer" : "hold";
	if (!std::ranges::equal(request.credits, row.legs, {}, {}, &Leg::account))
		return "credits";
	if (!std::ranges::equal(request.amounts, row.legs, {}, {}, &Leg::amount))
		return "amounts";
	if (!same_optional(request.description, row.description, same_text))
		return "description";
	if (!same_optional(request.metadata, row.metadata, same_jsonb))
		return "metadata";
	return nullptr;
}

// The transfers of this call that have a key: a second use of a key in one call is not in the
// journal yet.
class BatchKeys {
public:
	explicit BatchKeys(size_t request_count)
		: slots_(allocate<const JournalRow *>(std::bit_ceil(2 * request_count))) {}

	void insert(const JournalRow *row) {
		size_t place = first(row->key_hash);
		while (slots_[place] != nullptr)
			place = next(place);
		slots_[place] = row;
		places_.push_back(place);
	}

	const JournalRow *find(int64 hash, int64 debit, text *key) const {
		for (size_t i = first(hash); slots_[i] != nullptr; i = next(i)) {
			const JournalRow &row = *slots_[i];
			if (row.key_hash == hash && row.debit == debit && same_text(row.key, key))
				return &row;
		}
		return nullptr;
	}

	size_t size() const { return places_.size(); }

	// Forgets what was inserted last, which leaves no gap that a search would stop at.
	void shrink(size_t size) {
		while (places_.size() > size) {
			slots_[places_.back()] = nullptr;
			places_.shrink(places_.size() - 1);
		}
	}

private:
	size_t first(int64 hash) const { return static_cast<size_t>(hash) & (slots_.size() - 1); }
	size_t next(size_t i) const { return (i + 1) & (slots_.size() - 1); }

	std::span<const JournalRow *> slots_;
	Vector<size_t> places_;
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

// One request against locked accounts. The rules stand in order of precedence, each an early
// return; what a rule says of all accounts it says of the debit first, then of the credits in
// order.
class Evaluation {
public:
	Evaluation(Books &books, const Request &request, Account *debit,
		std::span<Account *const> credits)
		: books_(books), request_(request), debit_(debit), credits_(credits) {}

	Refusal evaluate() {
		Refusal refusal = check_accounts();
		if (refusal.code == Code::ok)
			refusal = check_amounts();
		for (Account *credit : credits_)
			credit->delta = 0;
		return refusal;
	}

	// After evaluate() said ok this must succeed.
	const JournalRow *post(int64 key_hash) {
		const TimestampTz at = books_.earliest_time(debit_, credits_);
		const PendingHold *end_hold =
			request_.kind == kind_capture || request_.kind == kind_void ? &hold_ : nullptr;
		return books_.post({.kind = request_.kind,
							   .debit = debit_,
							   .credits = credits_,
							   .amounts = request_.amounts,
							   .total = total_,
							   .key = request_.key,
							   .key_hash = key_hash,
							   .description = request_.description,
							   .metadata = request_.metadata,
							   .target = request_.target == nullptr ? 0 : request_.target->id,
							   .at = at,
							   .expires_at = expiry(at)},
			end_hold);
	}

private:
	bool is(char kind) const { return request_.kind == kind; }

	Refusal check_accounts() {
		if (debit_->row == nullptr)
			return account_not_found(debit_->id);
		for (const Account *credit : credits_)
			if (credit->row == nullptr)
				return account_not_found(credit->id);

		at_ = books_.earliest_time(debit_, credits_);
		if (Refusal refusal = check_permission(); refusal.code != Code::ok)
			return refusal;
		if (is(kind_capture) || is(kind_void))
			if (Refusal refusal = check_hold(); refusal.code != Code::ok)
				return refusal;
		if (is(kind_void))
			return {};
		if (is(kind_reverse))
			if (const JournalRow *by = books_.journal().by_target(request_.target->id))
				return {.code = Code::already_reversed,
					.detail = psprintf("Transfer " INT64_FORMAT
									   " was reversed by transfer " INT64_FORMAT ".",
						request_.target->id, by->id)};

		for (const Account *credit : credits_)
			if (credit == debit_)
				return about(Code::same_account, *debit_,
					psprintf("Account " INT64_FORMAT " is debited and credited.", debit_->id));

		for (const Account *credit : credits_)
			if (!same_text(credit->currency, debit_->currency))
				return about(Code::currency_mismatch, *credit,
					psprintf("Account " INT64_FORMAT " is in %s, the debited one in %s.",
						credit->id, text_to_cstring(credit->currency),
						text_to_cstring(debit_->currency)));

		if (const Account *account = first_with_status(status_frozen))
			return about(Code::account_frozen, *account,
				psprintf("Account " INT64_FORMAT " is frozen.", account->id));
		if (const Account *account = first_with_status(status_closed))
			return about(Code::account_closed, *account,
				psprintf("Account " INT64_FORMAT " is closed.", account->id));
		return {};
	}

	// Whoever loses money without having a floor creates it.
	Refusal check_permission() const {
		const Account *creates = nullptr;
		if (is(kind_reverse)) {
			for (size_t i = credits_.size(); i-- > 0;)
				if (request_.amounts[i] != 0 && credits_[i]->row->min_balance == no_floor)
					creates = credits_[i];
		} else if (!is(kind_void) && debit_->row->min_balance == no_floor) {
			creates = debit_;
		}
		if (creates == nullptr ||
			has_privs_of_role(GetUserId(), get_role_oid("tokpay_funder", false)))
			return {};
		return about(Code::not_permitted, *creates,
			psprintf("Account " INT64_FORMAT " has no floor.", creates->id));
	}

	Refusal check_hold() {
		const JournalRow &target = *request_.target;
		const auto not_pending = [](const char *detail) {
			return Refusal{.code = Code::hold_not_pending, .detail = detail};
		};
		if (target.kind != kind_hold)
			return not_pending(psprintf("Transfer " INT64_FORMAT " is a %s and no hold.", target.id,
				kind_name(target.kind)));
		if (!books_.pending_holds().find(target.id, &hold_)) {
			const JournalRow *end = books_.journal().by_target(target.id);
			if (end == nullptr)
				elog(ERROR, "hold " INT64_FORMAT " is neither pending nor ended", target.id);
			if (end->kind == kind_expiry)
				return not_pending(psprintf("Hold " INT64_FORMAT " has expired.", target.id));
			return not_pending(psprintf("Hold " INT64_FORMAT " was %s by transfer " INT64_FORMAT ".",
				target.id, end->kind == kind_capture ? "captured" : "voided", end->id));
		}
		if (is(kind_capture) && at_ >= hold_.expires_at)
			return not_pending(psprintf("Hold " INT64_FORMAT " has expired.", target.id));
		return {};
	}

	Refusal check_amounts() {
		total_ = 0;
		for (const int64 amount : request_.amounts)
			if (__builtin_add_overflow(total_, amount, &total_))
				return about(Code::amount_overflow, *debit_,
					"The sum of the amounts does not fit a bigint.");
		if (is(kind_void))
			return {};
		if (Refusal refusal = check_overflow(); refusal.code != Code::ok)
			return refusal;
		if (Refusal refusal = check_funds(); refusal.code != Code::ok)
			return refusal;
		return check_ceilings();
	}

	Refusal check_overflow() {
		int64 sum;
		const auto too_big = [](const Account &account, const char *what) {
			return about(Code::amount_overflow, account,
				psprintf("The %s of account " INT64_FORMAT " would not fit a bigint.", what,
					account.id));
		};
		if (is(kind_hold)) {
			if (__builtin_add_overflow(debit_->row->held, total_, &sum))
				return too_big(*debit_, "held amount");
			return {};
		}
		if (__builtin_sub_overflow(debit_->row->balance, total_, &sum))
			return too_big(*debit_, "balance");
		if (debit_->row->version == PG_INT64_MAX)
			return too_big(*debit_, "version");
		for (size_t i = 0; i < credits_.size(); i++) {
			Account *credit = credits_[i];
			credit->delta += request_.amounts[i]; // at most total_
			if (__builtin_add_overflow(credit->row->balance, credit->delta, &sum))
				return too_big(*credit, "balance");
			if (credit->row->version > PG_INT64_MAX - max_credits_per_transfer)
				return too_big(*credit, "version");
		}
		return {};
	}

	Refusal check_funds() {
		if (is(kind_capture)) // the money is held
			return {};
		if (!is(kind_reverse))
			return check_payer(debit_, total_);
		for (Account *credit : credits_)
			if (Refusal refusal = check_payer(credit, -credit->delta); refusal.code != Code::ok)
				return refusal;
		return {};
	}

	Refusal check_payer(Account *payer, int64 needed) {
		const AccountRow &row = *payer->row;
		if (row.min_balance == no_floor || available(row) >= needed ||
			books_.release_expired(payer, needed, at_))
			return {};
		return about_amounts(Code::insufficient_funds, *payer, needed,
			psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
					 " available, the %s needs " INT64_FORMAT ".",
				payer->id, available(row), kind_name(request_.kind), needed));
	}

	Refusal check_ceilings() const {
		if (is(kind_hold)) // checked when it is captured
			return {};
		const auto check = [](const Account &payee, int64 gain) -> Refusal {
			if (payee.row->balance + gain <= payee.row->max_balance)
				return {};
			return about_amounts(Code::balance_limit, payee, gain,
				psprintf("Account " INT64_FORMAT " has " INT64_FORMAT ", a credit of " INT64_FORMAT
						 " would lift it above its max_balance " INT64_FORMAT ".",
					payee.id, payee.row->balance, gain, payee.row->max_balance));
		};
		if (is(kind_reverse))
			return check(*debit_, -total_);
		for (const Account *credit : credits_)
			if (Refusal refusal = check(*credit, credit->delta); refusal.code != Code::ok)
				return refusal;
		return {};
	}

	const Account *first_with_status(char status) const {
		if (debit_->row->status == status)
			return debit_;
		for (const Account *credit : credits_)
			if (credit->row->status == status)
				return credit;
		return nullptr;
	}

	TimestampTz expiry(TimestampTz at) const {
		if (request_.expires_in == nullptr)
			return DT_NOEND;
		// Months are the calendar's, so the sum of a positive interval may still be in the past.
		return std::max(at + 1,
			DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(at),
				PointerGetDatum(request_.expires_in))));
	}

	Books &books_;
	const Request &request_;
	Account *debit_;
	std::span<Account *const> credits_;
	TimestampTz at_ = 0;
	int64 total_ = 0;
	PendingHold hold_; // what a capture or void ends
};

// The answer where the key is known already: a replay or key_reused.
Outcome answer_from(const Request &request, const JournalRow &row) {
	if (const char *field = difference(request, row))
		return {.refusal = {.code = Code::key_reused,
					.account = request.debit,
					.detail = psprintf("Account " INT64_FORMAT
									   " used key \"%s\" for transfer " INT64_FORMAT
									   ", which differs in its %s.",
						request.debit, text_to_cstring(request.key), row.id, field)}};
	return {.replayed = true, .row = new (palloc(sizeof(JournalRow))) JournalRow(without_texts(row))};
}

size_t account_count(std::span<const Request> requests) {
	size_t count = 1;
	for (const Request &request : requests)
		count += 1 + request.credits.size();
	return count;
}

class Batch {
public:
	Batch(std::span<const Request> requests, std::span<Outcome> outcomes)
		: requests_(requests), outcomes_(outcomes), books_("a transfer", account_count(requests)),
		  keys_(requests.size()), accounts_(allocate<std::span<Account *>>(requests.size())) {
		for (size_t i = 0; i < requests.size(); i++) {
			const Request &request = requests[i];
			if (request.refusal.code != Code::ok)
				continue;
			accounts_[i] = allocate<Account *>(1 + request.credits.size());
			accounts_[i][0] = books_.add(request.debit);
			for (size_t j = 0; j < request.credits.size(); j++)
				accounts_[i][1 + j] = books_.add(request.credits[j]);
		}
	}

	void execute() {
		books_.lock(LockWaitBlock);
		for (size_t i = 0; i < requests_.size();) {
			const size_t end = chain_end(i);
			if (requests_[i].in_chain)
				execute_chain(i, end);
			else
				outcomes_[i] = execute_one(i, false);
			books_.keep();
			i = end;
		}
		books_.write();
		books_.close();
	}

private:
	size_t chain_end(size_t first) const {
		size_t end = first + 1;
		while (requests_[first].in_chain && end < requests_.size() && requests_[end].in_chain &&
			   requests_[end].chain == requests_[first].chain)
			end++;
		return end;
	}

	// All or none; either all are replays or none is.
	void execute_chain(size_t first, size_t end) {
		const Books::Mark mark = books_.mark();
		const size_t key_count = keys_.size();
		for (size_t i = first; i < end; i++) {
			Outcome &outcome = outcomes_[i] =
				execute_one(i, i > first && outcomes_[first].replayed);
			if (outcome.replayed && !outcomes_[first].replayed)
				outcome = {.refusal = mixture(requests_[i])};
			if (outcome.refusal.code == Code::ok)
				continue;
			books_.undo(mark);
			keys_.shrink(key_count);
			const char *detail = psprintf("Another request of the same chain was refused: %s.",
				code_name(outcome.refusal.code));
			for (size_t other = first; other < end; other++)
				if (other != i)
					outcomes_[other] = {
						.refusal = {.code = Code::chain_failed, .detail = detail}};
			return;
		}
	}

	static Refusal mixture(const Request &request) {
		return {.code = Code::key_reused,
			.account = request.debit,
			.detail = "Some requests of this chain were executed before and others not; a chain is "
					  "repeated as a whole."};
	}

	Outcome execute_one(size_t i, bool must_be_replay) {
		const Request &request = requests_[i];
		if (request.refusal.code != Code::ok)
			return {.refusal = request.refusal};
		const std::span<Account *const> accounts = accounts_[i];
		int64 hash = 0;
		if (request.key != nullptr && accounts[0]->row != nullptr) {
			hash = key_hash(request.key, request.debit);
			if (const JournalRow *known = find_key(*accounts[0], request.key, hash))
				return answer_from(request, *known);
		}
		if (must_be_replay)
			return {.refusal = mixture(request)};
		Evaluation evaluation(books_, request, accounts[0], accounts.subspan(1));
		const Books::Mark mark = books_.mark();
		if (Refusal refusal = evaluation.evaluate(); refusal.code != Code::ok) {
			books_.undo(mark);
			return {.refusal = refusal};
		}
		const JournalRow *row = evaluation.post(hash);
		if (request.key != nullptr)
			keys_.insert(row);
		return {.row = row};
	}

	// The transfer that has used the key, or null.
	const JournalRow *find_key(const Account &debit, text *key, int64 hash) {
		if ((~*debit.key_filter & key_bits(hash)) != 0)
			return nullptr;
		if (const JournalRow *row = keys_.find(hash, debit.id, key))
			return row;
		return books_.journal().by_key(debit.id, key, hash);
	}

	std::span<const Request> requests_;
	std::span<Outcome> outcomes_;
	Books books_;
	BatchKeys keys_;
	std::span<std::span<Account *>> accounts_; // of every request: the debit, then its credits
};

} // namespace

void execute_requests(std::span<const Request> requests, std::span<Outcome> outcomes) {
	Batch(requests, outcomes).execute();
}

int32 expire_holds(int32 max_count) {
	CommandCounterIncrement();
	Relation heap = open_heap(catalog().pending_hold, AccessShareLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	PendingHoldReader reader(heap, GetActiveSnapshot());
	Vector<PendingHold> expired;
	PendingHold hold;
	reader.begin_expired(GetCurrentTimestamp());
	while (expired.size() < static_cast<size_t>(max_count) && reader.next(&hold))
		expired.push_back(hold);
	reader.end();
	PopActiveSnapshot();
	table_close(heap, NoLock);

	Books books("the end of a hold", expired.size() + 1);
	auto debits = allocate<Account *>(expired.size());
	for (size_t i = 0; i < debits.size(); i++)
		debits[i] = books.add(expired[i].debit);
	books.lock(LockWaitSkip);
	int32 count = 0;
	for (size_t i = 0; i < debits.size(); i++) {
		// Somebody may have ended it before its account was locked.
		if (debits[i]->row == nullptr || !books.pending_holds().find(expired[i].hold, &hold))
			continue;
		books.expire(debits[i], hold);
		books.keep();
		count++;
	}
	books.write();
	books.close();
	return count;
}

} // namespace tokpay
