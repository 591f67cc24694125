#include "transfer.hpp"

#include "evaluation.hpp"

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

// The answer where the key is known already: a replay or key_reused.
Outcome answer_from(const Request &request, const JournalRow &row, text *currency) {
	if (const char *field = difference(request, row))
		return {.refusal = {.code = Code::key_reused,
					.account = request.debit,
					.detail = psprintf("Account " INT64_FORMAT
									   " used key \"%s\" for transfer " INT64_FORMAT
									   ", which differs in its %s.",
						request.debit, text_to_cstring(request.key), row.id, field)}};
	return {.replayed = true,
		.row = new (palloc(sizeof(JournalRow))) JournalRow(without_texts(row)),
		.currency = currency};
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
		  keys_(requests.size()), accounts_(allocate<std::span<Account *>>(requests.size())),
		  rows_(allocate<JournalRow *>(requests.size())) {
		for (size_t i = 0; i < requests.size(); i++) {
			const Request &request = requests[i];
			if (request.refusal.code != Code::ok)
				continue;
			has_targets_ |= request.target != nullptr;
			accounts_[i] = allocate<Account *>(1 + request.credits.size());
			accounts_[i][0] = books_.add(request.debit);
			for (size_t j = 0; j < request.credits.size(); j++)
				accounts_[i][1 + j] = books_.add(request.credits[j]);
		}
	}

	void execute() {
		books_.read();
		if (has_targets_ || books_.has_holds())
			books_.lock(LockWaitBlock);
		decide();
		while (!books_.write()) {
			keys_.shrink(0);
			decide();
		}
		books_.close();
	}

private:
	void decide() {
		for (size_t i = 0; i < requests_.size();) {
			const size_t end = chain_end(i);
			if (requests_[i].in_chain)
				execute_chain(i, end);
			else
				outcomes_[i] = execute_one(i, false);
			books_.keep();
			i = end;
		}
	}

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
			if (outcome.refusal.code == Code::key_reused && repeats_key(first, i))
				outcome.refusal.detail =
					psprintf("The chain uses key \"%s\" twice.", text_to_cstring(requests_[i].key));
			if (outcome.refusal.code == Code::ok)
				continue;
			books_.undo(mark);
			keys_.shrink(key_count);
			const char *detail = psprintf("Another request of the same chain was refused: %s.",
				code_name(outcome.refusal.code));
			for (size_t other = first; other < end; other++)
				if (other != i)
					outcomes_[other] = {.refusal = {.code = Code::chain_failed, .detail = detail}};
			return;
		}
	}

	// Whether a request of the chain before this one has the same key.
	bool repeats_key(size_t first, size_t i) const {
		const Request &request = requests_[i];
		return request.key != nullptr &&
			   std::ranges::any_of(requests_.subspan(first, i - first), [&](const Request &other) {
				   return other.refusal.code == Code::ok && other.debit == request.debit &&
						  other.key != nullptr && same_text(other.key, request.key);
			   });
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
				return answer_from(request, *known, accounts[0]->currency);
		}
		if (must_be_replay)
			return {.refusal = mixture(request)};
		Evaluation evaluation(books_, request, accounts[0], accounts.subspan(1));
		const Books::Mark mark = books_.mark();
		if (Refusal refusal = evaluation.evaluate(); refusal.code != Code::ok) {
			books_.undo(mark);
			return {.refusal = refusal};
		}
		JournalRow *row = rows_[i] = evaluation.post(hash, rows_[i]);
		if (request.key != nullptr)
			keys_.insert(row);
		return {.row = row, .currency = accounts[0]->currency};
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
	std::span<JournalRow *> rows_;			   // of every request: what was booked last, or null
	bool has_targets_ = false; // whose end, an entry of a unique index, only locks make sure of
};

} // namespace

void execute_requests(std::span<const Request> requests, std::span<Outcome> outcomes) {
	Batch(requests, outcomes).execute();
}

namespace {

// Ends those whose accounts can be locked without waiting.
int32 end_expired(std::span<const PendingHold> holds) {
	Books books("the end of a hold", holds.size());
	const auto debits = allocate<Account *>(holds.size());
	for (size_t i = 0; i < holds.size(); i++)
		debits[i] = books.add(holds[i].debit);
	books.read();
	books.lock(LockWaitSkip);
	int32 count = 0;
	for (size_t i = 0; i < holds.size(); i++) {
		// Somebody may have ended it before its account was locked.
		PendingHold hold;
		if (debits[i]->row == nullptr || !books.pending_holds().find(holds[i].hold, &hold))
			continue;
		books.expire(debits[i], hold);
		books.keep();
		count++;
	}
	books.write();
	books.close();
	return count;
}

} // namespace

int32 expire_holds(int32 max_count) {
	CommandCounterIncrement();
	Relation heap = open_heap(catalog().pending_hold, AccessShareLock);
	PushActiveSnapshot(GetTransactionSnapshot());
	PendingHoldReader reader(heap, GetActiveSnapshot());
	reader.begin_expired(GetCurrentTimestamp());
	int32 count = 0;
	// Where accounts were passed over, the next holds take their turn.
	for (bool more = true; more && count < max_count;) {
		Vector<PendingHold> expired;
		PendingHold hold;
		while (
			expired.size() < static_cast<size_t>(max_count - count) && (more = reader.next(&hold)))
			expired.push_back(hold);
		if (!expired.empty())
			count += end_expired(expired.all());
	}
	reader.end();
	PopActiveSnapshot();
	table_close(heap, NoLock);
	return count;
}

} // namespace tokpay
