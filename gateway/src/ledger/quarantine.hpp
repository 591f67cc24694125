// What a lane keeps away from its shared calls, so that it hurts nobody else. These are parts of
// calls that were refused or lost, each a call of its own now; and requests that need an account
// which somebody else keeps locked, of which one at a time asks for the lock.
//
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tokpay {

template<class Ticket> class Quarantine {
public:
	using TicketPtr = std::shared_ptr<Ticket>;
	using Batch = std::vector<TicketPtr>;

	bool empty() const { return turns_.empty(); }
	size_t turns() const { return turns_.size(); }

	// Its turn comes after those of all that is here already.
	void add(Batch part) { turns_.push_back({std::move(part), {}}); }

	// Behind those that wait for the same account.
	void hold_up(const TicketPtr &ticket, int64_t account) {
		const auto [place, is_new] = held_up_.try_emplace(account);
		if (is_new)
			turns_.push_back({{}, account});
		place->second.push_back(ticket);
	}

	bool holds_up_any() const { return !held_up_.empty(); }
	bool holds_up(int64_t account) const { return held_up_.contains(account); }

	// The account's lock can be had again: those that have waited for it, in order.
	Batch release(int64_t account) {
		const auto place = held_up_.find(account);
		if (place == held_up_.end())
			return {};
		Batch released;
		for (const TicketPtr &ticket : place->second)
			if (!is_abandoned(*ticket))
				released.push_back(ticket);
		held_up_.erase(place);
		std::erase_if(turns_, [account](const Turn &turn) { return turn.account == account; });
		return released;
	}

	// The next call: in turn a part, or the first of those that wait for an account. Empty where
	// there is nothing more to try.
	Batch take(std::chrono::steady_clock::time_point now) {
		while (!turns_.empty()) {
			Turn turn = std::move(turns_.front());
			turns_.pop_front();
			if (turn.account) {
				if (TicketPtr first = take_held_up(*turn.account, now)) {
					turns_.push_back(std::move(turn));
					return {std::move(first)};
				}
				continue;
			}
			std::erase_if(
				turn.part, [&](const TicketPtr &ticket) { return is_over(*ticket, now); });
			if (!turn.part.empty())
				return std::move(turn.part);
		}
		return {};
	}

private:
	// Nothing begins to wait for a lock so shortly before its deadline: the call has to be over by
	// then, so that the answer can say for certain that nothing was executed.
	static constexpr std::chrono::seconds last_attempt_before{2};

	struct Turn {
		Batch part;
		std::optional<int64_t> account;
	};

	static bool is_abandoned(const Ticket &ticket) {
		return ticket.state == Ticket::State::abandoned;
	}

	static bool is_over(const Ticket &ticket, std::chrono::steady_clock::time_point now) {
		return is_abandoned(ticket) ||
			   (ticket.locked_by && ticket.deadline - now < last_attempt_before);
	}

	TicketPtr take_held_up(int64_t account, std::chrono::steady_clock::time_point now) {
		const auto place = held_up_.find(account);
		std::deque<TicketPtr> &waiting = place->second;
		while (!waiting.empty() && is_over(*waiting.front(), now))
			waiting.pop_front();
		if (waiting.empty()) {
			held_up_.erase(place);
			return nullptr;
		}
		TicketPtr first = std::move(waiting.front());
		waiting.pop_front();
		return first;
	}

	std::deque<Turn> turns_;
	std::unordered_map<int64_t, std::deque<TicketPtr>> held_up_; // by account, which has a turn
};

} // namespace tokpay
