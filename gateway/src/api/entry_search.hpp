// Which entries of an account are asked for, and the pages that the database has of them.
#pragma once

#include "api/exchange.hpp"

namespace tokpay {

struct EntrySearch {
	int64_t account = 0;
	std::optional<std::string> principal;
	std::optional<int64_t> from; // microseconds since 2000-01-01 UTC
	std::optional<int64_t> to;	 // exclusive
	std::optional<std::string> q;
	std::optional<std::string> direction; // in, out
	std::optional<int64_t> counterparty;
	std::optional<int64_t> min_amount;
	std::optional<int64_t> max_amount;
};

// The search that the query string asks for; 422.
Result<EntrySearch> entry_search(const Exchange &exchange, const Parameters &parameters);

// Up to max_rows entries below the version `before`, newest first, with the columns of
// entry_columns. A search that has looked at many entries ends early: then the last row has a
// version only, from which to go on.
struct Entries {
	pg::Result rows;
	Names names; // of the counterparties
};
boost::asio::awaitable<Result<Entries>> read_entries(
	Exchange &exchange, const EntrySearch &search, std::optional<int64_t> before, int64_t max_rows);

} // namespace tokpay
