// Who is calling: API keys, checked against the database at most a second ago.
#pragma once

#include "http.hpp"
#include "lane_runner.hpp"
#include "ledger.hpp"

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tokpay {

// What a credential allows.
struct Caller {
	bool read = false;
	bool transfer = false;
	bool fund = false;
	bool admin = false;
	std::optional<std::unordered_set<int64_t>> accounts; // none: all

	bool reaches(int64_t account) const { return !accounts || accounts->contains(account); }
};

using CallerPtr = std::shared_ptr<const Caller>;

// Belongs to one thread.
class Authenticator {
public:
	explicit Authenticator(LaneRunner<StatementCall> &statements) : statements_(statements) {}

	// The caller where the credential was checked a moment ago; nothing where authenticate() has to
	// be asked.
	CallerPtr known(std::string_view authorization);

	// 401 unauthenticated; 503 where the database cannot be asked.
	boost::asio::awaitable<Result<CallerPtr>> authenticate(
		const HttpRequest &request, Clock::time_point deadline);

private:
	// A credential is trusted for so long; the first request after the shorter time asks again
	// while the others go on, so that a revoked key ends within a second.
	static constexpr std::chrono::milliseconds refresh_after{400};
	static constexpr std::chrono::milliseconds trusted_for{900};
	static constexpr size_t max_entries = 10000;

	struct Entry {
		CallerPtr caller;
		Clock::time_point checked;
		bool refreshing = false;
	};

	boost::asio::awaitable<Result<CallerPtr>> look_up(
		std::string digest, Clock::time_point deadline);

	LaneRunner<StatementCall> &statements_;
	std::unordered_map<std::string, Entry> entries_; // by SHA-256 of the key
};

} // namespace tokpay
