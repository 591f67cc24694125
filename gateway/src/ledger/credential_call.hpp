// What the gateway asks the database about API keys and sessions: many at once, like everything.
#pragma once

#include "access/digest.hpp"
#include "ledger/lane.hpp"
#include "ledger/pg_connection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tokpay {

// An API key, or the session of a browser.
struct StoredCredential {
	int64_t id;
	std::optional<int64_t> user; // of a session, whose owner is the last member
	std::vector<std::string> scopes;
	bool has_list = false;						// of accounts, which the database knows
	bool is_fresh = false;						// a session that has just begun
	std::optional<int32_t> requests_per_second; // none: no limit
	std::string owner = {};
};

struct CredentialRequest {
	Digest digest; // SHA-256 of the key, session_digest() of a session

	size_t weight() const { return 1; }
	size_t bytes() const { return sizeof *this; }
	bool repeatable() const { return true; }
};

// Nothing for what is unknown, expired or revoked.
struct CredentialCall {
	using LaneType = Lane<CredentialRequest, std::optional<StoredCredential>>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	std::optional<Epoch> epoch(const pg::Answer &answer) const { return answer.epoch; }
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

} // namespace tokpay
