// Turns an Authorization header or a session's cookie into a caller: API keys and sessions, checked
// against the database at most a second ago, and access tokens of the configured issuer.
#pragma once

#include "access/browser_session.hpp"
#include "access/caller.hpp"
#include "access/digest.hpp"
#include "access/issuer.hpp"
#include "ledger/credential_call.hpp"
#include "ledger/lane_runner.hpp"
#include "ledger/ledger.hpp"
#include "process/config.hpp"

#include <ctime>
#include <unordered_map>
#include <unordered_set>

namespace tokpay {

// Who sent a request, behind proxies that are trusted.
boost::asio::ip::address client_of(const HttpRequest &request, const TrustedProxies &proxies);

// Belongs to one thread; the limiter is everybody's.
class Authenticator {
public:
	Authenticator(boost::asio::io_context &io, const Config &config,
		LaneRunner<CredentialCall> &credentials, LaneRunner<StatementCall> &statements,
		RateLimiter &limiter);

	// Somebody who is only asked about, since a stream goes on, has not used the credential.
	enum class Use : bool { none, now };

	// The caller where the credential is one that was checked of late; nothing where authenticate()
	// has to be asked.
	CallerPtr known(std::string_view authorization, Use use = Use::now);

	// The secret of the session whose cookie comes with a request; empty where none comes, or
	// another credential that goes before.
	std::string_view session_secret(const HttpRequest &request) const;

	// 401 unauthenticated, which removes the cookie of a session that is over; 429 where the client
	// has tried too many bad credentials; 503 where the database or the issuer cannot be asked.
	boost::asio::awaitable<Result<CallerPtr>> authenticate(
		const HttpRequest &request, Clock::time_point deadline, Use use = Use::now);

private:
	// What is stored is trusted for so long; the first request after the shorter time asks again
	// while the others go on, so that what is revoked ends within a second.
	static constexpr std::chrono::milliseconds refresh_after{400};
	static constexpr std::chrono::milliseconds trusted_for{900};
	// Its last use is written once a minute at most, and a little later rather than in vain.
	static constexpr std::chrono::seconds note_after{61};
	static constexpr std::chrono::seconds note_timeout{10};
	static constexpr size_t max_entries = 10000;
	static constexpr size_t max_remembered = 64;

	struct StoredEntry { // an API key or a session
		Digest digest;
		CallerPtr caller;
		int64_t id;
		Clock::time_point checked;
		std::optional<Clock::time_point> noted;
		bool refreshing = false;
	};
	// A digest takes longer than the comparison of all bytes, which takes the same time wherever
	// they differ.
	struct Remembered {
		std::string token;
		Digest digest;
	};
	struct TokenEntry {
		Digest digest;
		CallerPtr caller;
		std::time_t expires;
		uint64_t generation; // of the issuer's keys
	};
	// By the digest's first bytes. The digests themselves are compared in constant time.
	template<class Entry> using Entries = std::unordered_map<uint64_t, Entry>;

	CallerPtr find_stored(const Digest &digest, Use use);
	CallerPtr find_token(const Digest &digest);
	boost::asio::awaitable<Result<CallerPtr>> check_stored(
		Digest digest, Clock::time_point deadline, Use use);
	boost::asio::awaitable<Result<CallerPtr>> check_token(
		std::string token, Digest digest, Clock::time_point deadline);
	void note_use(StoredEntry &entry);
	boost::asio::awaitable<void> write_notes();

	boost::asio::io_context &io_;
	const Config &config_;
	LaneRunner<CredentialCall> &credentials_;
	LaneRunner<StatementCall> &statements_;
	RateLimiter &limiter_;
	std::optional<Issuer> issuer_;
	const Cookies cookies_;
	std::array<Remembered, max_remembered> remembered_; // by a hash of the token
	Entries<StoredEntry> stored_;
	Entries<TokenEntry> tokens_;
	std::unordered_set<uint64_t> paid_; // tries that are under way, as the entries are found
	std::vector<int64_t> used_keys_;	// of which it is to be written when they were used
	std::vector<int64_t> used_sessions_;
	bool writing_notes_ = false;
};

} // namespace tokpay
