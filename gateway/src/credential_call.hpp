// What the gateway asks the database about API keys: many at once, like everything.
#pragma once

#include "digest.hpp"
#include "lane.hpp"
#include "pg_connection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tokpay {

struct ApiKey {
	int64_t id;
	std::vector<std::string> scopes;
	bool has_list = false;						// of accounts, which the database knows
	std::optional<int32_t> requests_per_second; // none: no limit
};

struct CredentialRequest {
	Digest digest; // SHA-256 of the key

	size_t weight() const { return 1; }
	size_t bytes() const { return sizeof *this; }
	bool repeatable() const { return true; }
};

// Nothing for a key that is unknown, expired or revoked.
struct CredentialCall {
	using LaneType = Lane<CredentialRequest, std::optional<ApiKey>>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	std::optional<Epoch> epoch(const pg::Answer &answer) const { return answer.epoch; }
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

} // namespace tokpay
