// The engine: a batch of requests against the books, one after another, in one pass.
#pragma once

#include "journal.hpp"
#include "refusal.hpp"

namespace tokpay {

constexpr int max_credits_per_transfer = 10000;
constexpr int max_requests_per_batch = 10000;
constexpr int max_credits_per_batch = 100000;
constexpr int max_key_bytes = 255;
constexpr int max_description_bytes = 10000;
constexpr int max_metadata_bytes = 1 << 20;

// A transfer of any kind that somebody asks for. refusal is set already where the request cannot
// even be read. debit, credits and amounts of a capture, void or reverse follow from its target.
struct Request {
	char kind = kind_transfer;
	int64 debit = 0;
	std::span<const int64> credits;
	std::span<const int64> amounts; // one per credit
	text *key = nullptr;
	text *description = nullptr;
	Jsonb *metadata = nullptr;
	const JournalRow *target = nullptr;	  // what a capture, void or reverse is about
	const Interval *expires_in = nullptr; // of a hold; null: never
	bool is_limited = false;			  // to whom not every account's balance is told
	bool in_chain = false;
	int32 chain = 0;
	Refusal refusal;
};

// What became of it: a row of the journal, or a refusal.
struct Outcome {
	Refusal refusal;
	bool replayed = false;
	const JournalRow *row = nullptr;
	text *currency = nullptr; // of a row
};

// Executes the requests in order, as the caller's transaction; outcomes[i] answers requests[i].
// Requests that share a chain stand side by side. Memory is the current context's. Refusals change
// nothing; errors are raised only for what is wrong with the call as a whole: not_leader, a
// read-only transaction (25006), 40001.
void execute_requests(std::span<const Request> requests, std::span<Outcome> outcomes);

// Ends up to max_count holds that have expired, but those of accounts that others have locked, and
// returns how many.
int32 expire_holds(int32 max_count);

} // namespace tokpay
