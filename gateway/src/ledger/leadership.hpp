// What all threads know of the leader, and what each has of it at hand: on the way of every reply
// there is no lock.
#pragma once

#include "ledger/leader.hpp"

#include <boost/asio/io_context.hpp>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace tokpay {

// Any thread may use it.
class Leadership {
public:
	struct State {
		std::optional<size_t> leading;
		std::optional<Epoch> epoch;
		uint64_t generation = 0; // of this state
	};

	// What the metrics tell.
	struct Figures {
		std::vector<std::string> members; // by name
		State state;
		uint64_t failovers = 0;
		std::optional<int64_t> lag_bytes; // of the replica whose word is waited for
	};

	// Members by name, as the log calls them; the rest as in Leader.
	Leadership(std::vector<std::string> members, std::optional<int64_t> incarnation);

	size_t size() const { return members_.size(); }

	// As in Leader. why: what the member or the connection said, for the log.
	Leader::Verdict answered(size_t member, const Epoch &epoch);
	void denied(size_t member, const std::string &why);
	void doubted(size_t member, const std::string &why);
	bool accept(int64_t incarnation);
	bool answers() const;
	bool has_none() const;
	bool may_hold(std::chrono::milliseconds longest) const;
	std::optional<int64_t> accepted_incarnation() const;

	void note_lag(std::optional<int64_t> bytes);
	State state() const;
	Figures figures() const;

	// Changes with the state.
	uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

	// tell() is called after each change, by any thread, and must not call back.
	void subscribe(std::function<void()> tell);

private:
	State locked_state() const;
	void tell_of_change(const State &before);
	void log_once(size_t member, const std::string &text);

	const std::vector<std::string> members_;
	mutable std::mutex mutex_;
	Leader leader_;
	std::optional<int64_t> lag_bytes_;
	std::vector<std::function<void()>> subscribers_;
	std::vector<std::string> last_logged_; // about each member
	std::atomic<uint64_t> generation_ = 1;
};

// Belongs to one thread.
class LeaderView {
public:
	LeaderView(boost::asio::io_context &io, Leadership &leadership);
	LeaderView(const LeaderView &) = delete;
	LeaderView &operator=(const LeaderView &) = delete;

	size_t members() const { return leadership_.size(); }
	const std::optional<size_t> &leading() const { return state_.leading; }
	bool leads(size_t member) const { return state_.leading == member; }
	const std::optional<Epoch> &epoch() const { return state_.epoch; }

	// Whether a client may see what a member has answered in an epoch.
	bool accepts(size_t member, const Epoch &epoch) {
		if (leads(member) && state_.epoch == epoch && leadership_.generation() == state_.generation)
			return true;
		return leadership_.answered(member, epoch) == Leader::Verdict::accepted;
	}

	// As in Leader.
	void denied(size_t member, const std::string &why);
	void doubted(size_t member, const std::string &why);
	bool has_none() const { return leadership_.has_none(); }

	// tell() is called on this thread after a change.
	void subscribe(std::function<void()> tell) { subscribers_.push_back(std::move(tell)); }

private:
	void refresh();

	Leadership &leadership_;
	Leadership::State state_;
	uint64_t told_; // the generation that subscribers know of
	std::vector<std::function<void()>> subscribers_;
};

} // namespace tokpay
