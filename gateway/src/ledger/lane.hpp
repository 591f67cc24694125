// A lane carries one array call at a time to the database. Requests that arrive meanwhile wait and
// form the next call; an idle lane takes what is there at once. The state machine has no I/O:
// LaneRunner (lane_runner.hpp) drives it over a connection, tests drive it by hand.
//
// What would hurt those it shares a call with goes aside (quarantine.hpp), in calls of their own
// over another connection, while the shared ones go on.
//
// Not thread-safe: a lane belongs to one thread.
#pragma once

#include "ledger/epoch.hpp"
#include "ledger/quarantine.hpp"
#include "process/histogram.hpp"

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tokpay {

using Clock = std::chrono::steady_clock;

// Leaves its list when it is destroyed.
using OutstandingHook =
	boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// One request on its way through a lane.
template<class Request, class Reply> struct Ticket : OutstandingHook {
	enum class State {
		waiting,   // in the queue
		in_flight, // in a call that was sent
		answered,  // reply is set
		refused,   // the database refused the call that carried this request alone: sqlstate is set
		abandoned, // nobody waits for it any more, or its deadline has passed
	};

	explicit Ticket(Request r) : request(std::move(r)) {}

	void unlink_outstanding() {
		if (is_linked())
			unlink();
	}

	bool settled() const { return state == State::answered || state == State::refused; }

	// Whether it is unknown, as long as it is not answered, if it was executed.
	bool may_be_executed() const { return sent || losses > 0; }

	Request request;
	Reply reply{};
	State state = State::waiting;
	std::string sqlstate;
	std::string message;
	std::optional<Epoch> epoch; // of the reply or the refusal
	bool sent = false;			// and the call was not refused since
	bool aside = false;			// in quarantine, or in a call that came from there
	unsigned losses = 0;		// calls that carried it and were lost: each may have executed it
	unsigned suspicions = 0;	// those of them that it may have been to blame for
	// The account that it could not lock in time; 0: something else was locked.
	std::optional<int64_t> locked_by;
	Clock::time_point deadline = Clock::time_point::max();
	std::function<void()> on_settled; // also where the deadline has passed first
};

// Counters since start. Other threads may read them.
struct LaneCounters {
	SizeHistogram batch_sizes;		  // requests in each call
	Counter carried_weight;			  // of all calls
	DurationHistogram call_durations; // of calls that were answered, refused or lost
	Counter shed;					  // refused because the queue was full
	Counter retried;				  // sent again after a lost connection
	Counter depth;					  // waiting now, in the queue or aside
};

// Request has weight() const, in whatever unit the limits count, bytes() const, about what it takes
// in memory and in a call, and repeatable() const: whether it may be sent again when it is unknown
// what became of it. Where it needs locks of accounts it has find_account(predicate), the first of
// them that the predicate is true for, if any.
template<class Request, class Reply> class Lane {
public:
	using TicketType = Ticket<Request, Reply>;
	using TicketPtr = std::shared_ptr<TicketType>;
	using Batch = std::vector<TicketPtr>;

	struct Limits {
		size_t batch_weight; // a call carries at most this, or one heavier request alone
		size_t queue_weight; // beyond this much waiting, requests are shed
		size_t batch_bytes = size_t{8} * 1024 * 1024; // the same by size
		size_t queue_bytes = size_t{32} * 1024 * 1024;
		// Where the database is slow, requests that would have to wait for much longer are shed,
		// too.
		std::chrono::milliseconds max_wait{1000};
	};

	explicit Lane(Limits limits) : limits_(limits), queue_weight_(limits.queue_weight) {}

	// Called when something waits in the queue, or aside; the runner sleeps on them.
	std::function<void()> on_work;
	std::function<void()> on_aside;

	// False where the queue is full; the ticket then was not taken.
	bool submit(TicketPtr ticket) {
		if (is_full(*ticket)) {
			counters_.shed.add();
			return false;
		}
		queue_.push_back(std::move(ticket));
		count_in(*queue_.back());
		outstanding_.push_back(*queue_.back());
		earliest_deadline_ = std::min(earliest_deadline_, queue_.back()->deadline);
		if (on_work)
			on_work();
		return true;
	}

	// Nobody waits for the ticket any more: it leaves the queue, or its answer is dropped.
	void abandon(const TicketPtr &ticket) {
		abandon(*ticket);
		drop_abandoned(); // the oldest come first, so they do not pile up while nothing is taken
	}

	// Abandons every ticket whose deadline has passed and tells those who wait.
	void expire(Clock::time_point now) {
		if (now < earliest_deadline_)
			return;
		std::vector<std::function<void()>> late;
		earliest_deadline_ = Clock::time_point::max();
		for (auto next = outstanding_.begin(); next != outstanding_.end();) {
			TicketType &ticket = *next++;
			if (ticket.deadline > now) {
				earliest_deadline_ = std::min(earliest_deadline_, ticket.deadline);
				continue;
			}
			late.push_back(std::move(ticket.on_settled));
			abandon(ticket);
		}
		drop_abandoned();
		for (const auto &tell : late)
			if (tell)
				tell();
	}

	// Whether nobody waits for anything.
	bool idle() const { return outstanding_.empty(); }

	// While a leader is looked for, as much may wait as at any time.
	void hold(bool holding) { holding_ = holding; }

	bool empty() const { return queue_.empty(); }
	bool has_aside() const { return !quarantine_.empty(); }
	size_t turns() const { return quarantine_.turns(); } // calls of one round aside

	// The next shared call's tickets, in order of arrival; empty where nothing waits. Those that
	// need an account which others wait for join them.
	Batch take() {
		Batch batch;
		size_t weight = 0;
		size_t bytes = 0;
		for (drop_abandoned(); !queue_.empty(); drop_abandoned()) {
			const TicketPtr next = queue_.front();
			if (const auto account = account_that_holds_up(next->request)) {
				queue_.pop_front();
				count_out(*next);
				hold_up(next, *account);
				continue;
			}
			weight += next->request.weight();
			bytes += next->request.bytes();
			const bool too_much = weight > limits_.batch_weight || bytes > limits_.batch_bytes;
			if (!batch.empty() && too_much)
				break;
			queue_.pop_front();
			count_out(*next);
			batch.push_back(next);
		}
		begin_call(batch);
		return batch;
	}

	// The next call of those that are kept aside; empty where there is nothing more to try.
	Batch take_aside(Clock::time_point now) {
		Batch batch = quarantine_.take(now);
		for (const TicketPtr &ticket : batch)
			count_out(*ticket);
		begin_call(batch);
		return batch;
	}

	// A call was answered after so long. Where a full queue of such calls would take longer than
	// max_wait, no more may wait than fits into it at the speed of the better of the last two: one
	// alone says little, since it may have waited for a lock.
	void note_duration(const Batch &batch, Clock::duration took) {
		size_t weight = 0;
		for (const TicketPtr &ticket : batch)
			weight += ticket->request.weight();
		const double calls =
			static_cast<double>(limits_.max_wait.count()) /
			std::max(std::chrono::duration<double, std::milli>(took).count(), 0.001);
		const double carried = calls * static_cast<double>(weight);
		const double better = std::max(carried, std::exchange(last_carried_, carried));
		const size_t most = limits_.queue_weight;
		const bool slow =
			calls * static_cast<double>(limits_.batch_weight) < static_cast<double>(most);
		queue_weight_ =
			slow ? std::clamp(static_cast<size_t>(better), std::min(min_queue_weight, most), most)
				 : most;
	}

	// A call has come to its end, whichever it was.
	void call_ended(Clock::duration took) { counters_.call_durations.observe(took); }

	// The call came back; every ticket's reply is set.
	void answered(const Batch &batch, const std::optional<Epoch> &epoch = {}) {
		for (const TicketPtr &ticket : batch) {
			ticket->epoch = epoch;
			if (ticket->locked_by)
				release(*ticket->locked_by);
			settle(*ticket, TicketType::State::answered);
		}
	}

	// The database refused the call as a whole and executed none of it. A shared call is divided,
	// so that a poisoned request is found in a few calls and hurts only itself.
	void refused(const Batch &batch, const std::string &sqlstate, const std::string &message,
		const std::optional<Epoch> &epoch = {}) {
		for (const TicketPtr &ticket : batch)
			ticket->sent = false;
		if (batch.size() > 1) {
			divide(batch);
			return;
		}
		for (const TicketPtr &ticket : batch) {
			ticket->sqlstate = sqlstate;
			ticket->message = message;
			ticket->epoch = epoch;
			settle(*ticket, TicketType::State::refused);
		}
	}

	// The database gave up waiting for the lock of an account, or of something else (0), and
	// executed nothing. Those that need it wait for it aside until their deadlines, the others go
	// again.
	void locked_out(const Batch &batch, int64_t account) {
		Batch held_up;
		Batch others;
		for (const TicketPtr &ticket : batch) {
			ticket->sent = false;
			const bool is_concerned =
				account == 0 || batch.size() == 1 || needs(ticket->request, account);
			(is_concerned ? held_up : others).push_back(ticket);
		}
		// A capture needs accounts that only the database knows.
		if (held_up.empty()) {
			divide(batch);
			return;
		}
		if (account == 0 && batch.size() == 1) {
			batch.front()->locked_by = account;
			divide(batch);
			return;
		}
		for (const TicketPtr &ticket : held_up)
			hold_up(ticket, account);
		put_back(others);
	}

	// Whoever got the call does not lead, and executed none of it: all go back to the head of the
	// queue.
	void not_executed(const Batch &batch) {
		for (const TicketPtr &ticket : batch)
			ticket->sent = false;
		put_back(batch);
	}

	// What a lost call may have been lost by.
	enum class Blame { requests, leader };

	// The connection broke, and whether the call was executed is unknown. Repeatable requests go
	// back to the head of the queue, where they are to blame for the second time aside: one of them
	// may be what breaks connections. The others are refused with SQLSTATE 08007, transaction
	// resolution unknown.
	void connection_lost(const Batch &batch, Blame blame = Blame::requests) {
		Batch again;
		Batch suspects;
		for (const TicketPtr &ticket : batch) {
			ticket->losses++;
			ticket->suspicions += blame == Blame::requests ? 1 : 0;
			if (ticket->request.repeatable()) {
				(ticket->suspicions < 2 ? again : suspects).push_back(ticket);
				continue;
			}
			ticket->sqlstate = "08007";
			settle(*ticket, TicketType::State::refused);
		}
		counters_.retried.add(again.size() + suspects.size());
		divide(suspects);
		put_back(again);
	}

	const LaneCounters &counters() const { return counters_; }

private:
	// How much waits. Heavy requests never take more than half of the room from light ones.
	struct Waiting {
		size_t light = 0;
		size_t heavy = 0;

		size_t &of(bool is_light) { return is_light ? light : heavy; }
		bool has_room(bool is_light, size_t more, size_t most) const {
			const size_t waits = light + (is_light ? std::min(heavy, most / 2) : heavy);
			return waits == 0 || waits + more <= most;
		}
	};

	// So few may wait for a database however slow.
	static constexpr size_t min_queue_weight = 100;
	// A refused or lost call becomes so many. More parts are more calls for those that are done
	// well, fewer are more calls until the one that is to blame goes alone.
	static constexpr size_t parts = 8;

	// A hundred of which, or more, fit into a call.
	bool is_light(size_t weight, size_t bytes) const {
		return weight <= std::max<size_t>(limits_.batch_weight / 100, 1) &&
			   bytes <= limits_.batch_bytes / 100;
	}

	void count_in(const TicketType &ticket) {
		const size_t weight = ticket.request.weight();
		const size_t bytes = ticket.request.bytes();
		const bool light = is_light(weight, bytes);
		(ticket.aside ? aside_weight_ : queued_weight_.of(light)) += weight;
		waiting_bytes_.of(light) += bytes;
		counters_.depth.add();
	}

	void count_out(const TicketType &ticket) {
		const size_t weight = ticket.request.weight();
		const size_t bytes = ticket.request.bytes();
		const bool light = is_light(weight, bytes);
		(ticket.aside ? aside_weight_ : queued_weight_.of(light)) -= weight;
		waiting_bytes_.of(light) -= bytes;
		counters_.depth.subtract();
	}

	// Requests that would only wait aside have a bound of their own, and leave the queue to others.
	bool is_full(const TicketType &ticket) const {
		const size_t weight = ticket.request.weight();
		const size_t bytes = ticket.request.bytes();
		const bool light = is_light(weight, bytes);
		const size_t most = holding_ ? limits_.queue_weight : queue_weight_;
		if (!queued_weight_.has_room(light, weight, most) ||
			!waiting_bytes_.has_room(light, bytes, limits_.queue_bytes))
			return true;
		return aside_weight_ + weight > limits_.queue_weight &&
			   account_that_holds_up(ticket.request).has_value();
	}

	template<class Predicate>
	static std::optional<int64_t> find_account(const Request &request, Predicate predicate) {
		if constexpr (requires { request.find_account(predicate); })
			return request.find_account(predicate);
		else
			return std::nullopt;
	}

	static bool needs(const Request &request, int64_t account) {
		return find_account(request, [=](int64_t id) { return id == account; }).has_value();
	}

	// The first of its accounts that others wait for.
	std::optional<int64_t> account_that_holds_up(const Request &request) const {
		if (!quarantine_.holds_up_any())
			return std::nullopt;
		return find_account(request, [this](int64_t id) { return quarantine_.holds_up(id); });
	}

	void begin_call(const Batch &batch) {
		if (batch.empty())
			return;
		size_t weight = 0;
		for (const TicketPtr &ticket : batch) {
			ticket->state = TicketType::State::in_flight;
			ticket->sent = true;
			weight += ticket->request.weight();
		}
		counters_.carried_weight.add(weight);
		counters_.batch_sizes.observe(batch.size());
	}

	// Waiting from now on, in quarantine.
	void set_aside(const TicketPtr &ticket) {
		ticket->state = TicketType::State::waiting;
		ticket->aside = true;
		count_in(*ticket);
		if (on_aside)
			on_aside();
	}

	void hold_up(const TicketPtr &ticket, int64_t account) {
		if (ticket->state == TicketType::State::abandoned)
			return;
		ticket->locked_by = account;
		set_aside(ticket);
		quarantine_.hold_up(ticket, account);
	}

	void release(int64_t account) {
		const Batch released = quarantine_.release(account);
		for (const TicketPtr &ticket : released)
			count_out(*ticket);
		put_back(released);
	}

	void divide(const Batch &batch) {
		const size_t size = (batch.size() + parts - 1) / parts;
		for (size_t begin = 0; begin < batch.size(); begin += size) {
			Batch part;
			for (size_t i = begin; i < std::min(begin + size, batch.size()); i++) {
				if (batch[i]->state == TicketType::State::abandoned)
					continue;
				set_aside(batch[i]);
				part.push_back(batch[i]);
			}
			if (!part.empty())
				quarantine_.add(std::move(part));
		}
	}

	void abandon(TicketType &ticket) {
		if (ticket.state == TicketType::State::waiting)
			count_out(ticket);
		ticket.state = TicketType::State::abandoned;
		ticket.on_settled = nullptr;
		ticket.unlink_outstanding();
	}

	void drop_abandoned() {
		while (!queue_.empty() && queue_.front()->state == TicketType::State::abandoned)
			queue_.pop_front();
	}

	void put_back(const Batch &batch) {
		for (auto ticket = batch.rbegin(); ticket != batch.rend(); ++ticket) {
			if ((*ticket)->state == TicketType::State::abandoned)
				continue;
			(*ticket)->state = TicketType::State::waiting;
			(*ticket)->aside = false;
			queue_.push_front(*ticket);
			count_in(**ticket);
		}
		if (!queue_.empty() && on_work)
			on_work();
	}

	static void settle(TicketType &ticket, typename TicketType::State state) {
		if (ticket.state == TicketType::State::abandoned)
			return;
		ticket.state = state;
		ticket.unlink_outstanding();
		if (ticket.on_settled)
			std::exchange(ticket.on_settled, nullptr)();
	}

	Limits limits_;
	std::deque<TicketPtr> queue_;
	Waiting queued_weight_;
	size_t queue_weight_; // how much may wait in it at present
	bool holding_ = false;
	double last_carried_ = 0; // what fits into max_wait at the speed of the last call
	Quarantine<TicketType> quarantine_;
	size_t aside_weight_ = 0;
	Waiting waiting_bytes_; // in the queue or aside
	// What somebody waits for, in the queue or in a call, and a time before all their deadlines.
	boost::intrusive::list<TicketType, boost::intrusive::constant_time_size<false>> outstanding_;
	Clock::time_point earliest_deadline_ = Clock::time_point::max();
	LaneCounters counters_;
};

} // namespace tokpay
