// What becomes of accounts that somebody watches: one call to the database per tick and worker,
// however many listeners there are.
#pragma once

#include "ledger/lane_runner.hpp"
#include "ledger/ledger.hpp"
#include "ledger/names.hpp"

#include <deque>
#include <map>
#include <memory>

namespace tokpay {

// An entry of an account, as the JSON object of its event.
struct WatchedEntry {
	int64_t version;
	std::string document;
};

// An account as one principal sees it.
struct Watch {
	Balance balance;				  // unknown once it is out of reach
	std::deque<WatchedEntry> entries; // the newest, without gaps, oldest first
};

// The columns of a change, and what they say: about a row's account, and of an entry.
extern const char *const changes_sql; // $1 accounts, $2 principals, $3 versions, $4 entries at most
struct Change {
	int64_t place; // in the arrays of the call, from 1
	std::optional<WatchedEntry> entry;
	Balance balance; // where there is no entry
};
Change read_change(const pg::Result &changes, int row, int64_t account, const Names &names);

// Belongs to one thread.
class Feed {
public:
	Feed(boost::asio::io_context &io, LaneRunner<StatementCall> &statements)
		: io_(io), statements_(statements) {}

	// Somebody who watches accounts as a principal sees them.
	class Listener {
	public:
		// balances are those from which on changes are wanted.
		Listener(Feed &feed, const std::optional<std::string> &principal,
			const std::vector<Balance> &balances);
		~Listener();
		Listener(const Listener &) = delete;
		Listener &operator=(const Listener &) = delete;

		const std::vector<std::shared_ptr<Watch>> &watches() const { return watches_; }

		// Waits for a change, at most so long. False where the wait was cut short by neither.
		boost::asio::awaitable<bool> wait(std::chrono::milliseconds longest);

	private:
		friend class Feed;
		void wake();

		Feed &feed_;
		std::vector<std::shared_ptr<Watch>> watches_; // in the order of the accounts
		std::vector<std::pair<int64_t, std::string>> keys_;
		boost::asio::steady_timer timer_;
		bool changed_ = false;
	};

private:
	// An account and a principal, empty for none.
	using Key = std::pair<int64_t, std::string>;
	struct Watched {
		std::shared_ptr<Watch> watch;
		std::vector<Listener *> listeners;
	};

	boost::asio::awaitable<void> run();
	boost::asio::awaitable<void> tick();
	boost::asio::awaitable<std::optional<pg::Result>> ask(StatementRequest request);
	void apply(const pg::Result &changes, const Names &names, const std::vector<Key> &asked);

	boost::asio::io_context &io_;
	LaneRunner<StatementCall> &statements_;
	std::map<Key, Watched> watched_;
	bool running_ = false;
};

} // namespace tokpay
