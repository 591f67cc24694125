// The engine: a batch of transfers against the books, one after another, in one pass.
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

struct Credit {
	int64 account;
	int64 amount;
};

// A transfer somebody asks for. refusal is set already where the request cannot even be read.
struct Request {
	char kind = kind_transfer;
	int64 debit = 0;
	std::span<const Credit> credits;
	text *key = nullptr;
	text *description = nullptr;
	Jsonb *metadata = nullptr;
	Refusal refusal;
};

// What became of it: a row of the journal, or a refusal.
struct Outcome {
	Refusal refusal;
	bool replayed = false;
	JournalRow row;
};

// Executes the requests in order, as the caller's transaction; outcomes[i] answers requests[i].
// Memory is the current context's. Refusals change nothing; errors are raised only for what is
// wrong with the call as a whole: not_leader, a read-only transaction (25006), 40001.
void execute_transfers(std::span<const Request> requests, std::span<Outcome> outcomes);

} // namespace tokpay
