// A lane carries one array call at a time to the database. Requests that arrive meanwhile wait and
// form the next call; an idle lane takes what is there at once. The state machine has no I/O:
// LaneRunner (lane_runner.hpp) drives it over a connection, tests drive it by hand.
//
// Not thread-safe: a lane belongs to one thread.
#pragma once

#include "histogram.hpp"

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
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

	Request request;
	Reply reply{};
	State state = State::waiting;
	std::string sqlstate;
	std::string message;
	bool sent = false; // at least once: whether it was executed is unknown until it is answered
	bool uncertain = false; // a call that carried it was lost: it may have been executed
	bool alone = false;		// goes in a call of its own, after a call it shared was refused
	Clock::time_point deadline = Clock::time_point::max();
	std::function<void()> on_settled; // also where the deadline has passed first
};

// Counters since start. Other threads may read them.
struct LaneCounters {
	SizeHistogram batch_sizes;		  // requests in each call
	DurationHistogram call_durations; // of calls that were answered, refused or lost
	Counter shed;					  // refused because the queue was full
	Counter retried;				  // sent again after a lost connection
	Counter depth;					  // waiting now
};

// Request has weight() const, in whatever unit the limits count, bytes() const, about what it takes
// in memory and in a call, and repeatable() const: whether it may be sent again when it is unknown
// what became of it.
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

	// Called when something is waiting; the runner sleeps on it.
	std::function<void()> on_work;

	// False where the queue is full; the ticket then was not taken.
	bool submit(TicketPtr ticket) {
		const size_t weight = queued_weight_ + ticket->request.weight();
		const size_t bytes = queued_bytes_ + ticket->request.bytes();
		if (queued_weight_ > 0 && (weight > queue_weight_ || bytes > limits_.queue_bytes)) {
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

	bool empty() const { return queue_.empty(); }

	// The next call's tickets, in order of arrival; empty where nothing waits.
	Batch take() {
		Batch batch;
		size_t weight = 0;
		size_t bytes = 0;
		for (drop_abandoned(); !queue_.empty(); drop_abandoned()) {
			const TicketPtr next = queue_.front();
			weight += next->request.weight();
			bytes += next->request.bytes();
			const bool too_much = weight > limits_.batch_weight || bytes > limits_.batch_bytes;
			if (!batch.empty() && (too_much || next->alone))
				break;
			queue_.pop_front();
			count_out(*next);
			next->state = TicketType::State::in_flight;
			next->sent = true;
			batch.push_back(next);
			if (next->alone)
				break;
		}
		if (!batch.empty())
			counters_.batch_sizes.observe(batch.size());
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
	void answered(const Batch &batch) {
		for (const TicketPtr &ticket : batch)
			settle(*ticket, TicketType::State::answered);
	}

	// The database refused the call as a whole and executed none of it. The requests of a shared
	// call are tried again one by one, so that a poisoned one hurts only itself.
	void refused(const Batch &batch, const std::string &sqlstate, const std::string &message) {
		if (batch.size() > 1) {
			for (const TicketPtr &ticket : batch)
				ticket->alone = true;
			put_back(batch);
			return;
		}
		for (const TicketPtr &ticket : batch) {
			ticket->sqlstate = sqlstate;
			ticket->message = message;
			settle(*ticket, TicketType::State::refused);
		}
	}

	// The connection broke, and whether the call was executed is unknown. Repeatable requests go
	// back to the head of the queue; the others are refused with SQLSTATE 08007, transaction
	// resolution unknown.
	void connection_lost(const Batch &batch) {
		Batch again;
		for (const TicketPtr &ticket : batch) {
			ticket->uncertain = true;
			if (ticket->request.repeatable()) {
				again.push_back(ticket);
				continue;
			}
			ticket->sqlstate = "08007";
			settle(*ticket, TicketType::State::refused);
		}
		counters_.retried.add(again.size());
		put_back(again);
	}

	const LaneCounters &counters() const { return counters_; }

private:
	// So few may wait for a database however slow.
	static constexpr size_t min_queue_weight = 100;

	void count_in(const TicketType &ticket) {
		queued_weight_ += ticket.request.weight();
		queued_bytes_ += ticket.request.bytes();
		counters_.depth.add();
	}

	void count_out(const TicketType &ticket) {
		queued_weight_ -= ticket.request.weight();
		queued_bytes_ -= ticket.request.bytes();
		counters_.depth.subtract();
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
			queue_.push_front(*ticket);
			count_in(**ticket);
		}
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
	size_t queued_weight_ = 0;
	size_t queued_bytes_ = 0;
	size_t queue_weight_;	  // how much may wait at present
	double last_carried_ = 0; // what fits into max_wait at the speed of the last call
	// What somebody waits for, in the queue or in a call, and a time before all their deadlines.
	boost::intrusive::list<TicketType, boost::intrusive::constant_time_size<false>> outstanding_;
	Clock::time_point earliest_deadline_ = Clock::time_point::max();
	LaneCounters counters_;
};

} // namespace tokpay
