// Who is calling, and what the credential allows.
#pragma once

#include "access/rate_limiter.hpp"
#include "http/http.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tokpay {

// A browser that is signed in.
struct BrowserSession {
	int64_t id;
	int64_t user; // of the wallet (sql/wallet.sql)
};

struct Caller {
	bool read = false;
	bool transfer = false;
	bool fund = false;
	bool admin = false;
	bool top_up = false; // has fund, or is an owner who may pay, where demo funding is on
	bool has_session = false;
	bool is_fresh = false; // a session that has just begun with a sign-in
	std::optional<BrowserSession> session;
	// Whose accounts the database lets this caller reach: key:<id> of an API key with a list of
	// accounts, owner:<owner> of an access token or a session; none for a key that reaches all
	// accounts (sql/gateway.sql).
	std::optional<std::string> principal;
	// For limits and logs, never the secret: key:<id> or owner:<owner>.
	std::string identity;
	std::optional<Quota> quota;	 // none: no limit
	bool reads_are_free = false; // only what changes something counts against the quota
};

using CallerPtr = std::shared_ptr<const Caller>;

// Whether a request fits the caller's quota: nothing, or 429. The headers that tell what is left
// are added to headers either way.
std::optional<Problem> check_quota(RateLimiter &limiter, const Caller &caller,
	bool changes_something, std::vector<std::pair<const char *, std::string>> &headers);

// 429 for an empty bucket, with Retry-After and the RateLimit headers.
Problem rate_limited(const Quota &quota, const Allowance &allowance);

} // namespace tokpay
