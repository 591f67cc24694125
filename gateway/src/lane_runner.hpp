// Drives a lane over connections of its own, and lets a coroutine wait for its ticket.
#pragma once

#include "lane.hpp"
#include "log.hpp"
#include "pg_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <list>
#include <string_view>

namespace tokpay {

// How waiting for a ticket ended.
enum class Settled {
	answered, // ticket.reply is set
	refused,  // ticket.sqlstate and message are set: certainly not executed
	not_sent, // the queue was full or the deadline passed first: certainly not executed
	unknown,  // sent, and no definite answer before the deadline
};

// Whether a refusal tells of earlier, lost attempts too. The ledger's own do: it looks a key up
// before it looks at anything else, so an attempt that was executed would answer as a replay.
inline bool settles_earlier_attempts(std::string_view sqlstate) {
	return sqlstate.starts_with("TP") && sqlstate != "TP015";
}

// Call is a stateless description of what the lane says to the database:
//   types Request, Reply; using LaneType = Lane<Request, Reply>
//   Query query(const LaneType::Batch &) const           the statement that carries the batch
//   void read(const pg::Result &, const Batch &) const    sets every ticket's reply
//   awaitable<bool> prepare(pg::Connection &)             after every connect; false: try again
template<class Call> class LaneRunner {
public:
	using LaneType = typename Call::LaneType;
	using TicketPtr = typename LaneType::TicketPtr;

	struct Options {
		typename LaneType::Limits limits;
		size_t connections = 1;
		std::chrono::milliseconds call_timeout{5000};
	};

	LaneRunner(boost::asio::io_context &io, const std::string &uri, Options options)
		: io_(io), options_(options), lane_(options.limits), work_(io, Clock::time_point::max()),
		  expiry_(io) {
		lane_.on_work = [this] {
			if (idle_connections_ > 0)
				work_.cancel_one();
		};
		for (size_t i = 0; i < options.connections; i++)
			connections_.emplace_back(io, uri);
	}

	void start() {
		for (pg::Connection &connection : connections_)
			boost::asio::co_spawn(io_, run(connection), boost::asio::detached);
	}

	// Submits the request; on_settled is called once it is settled or the deadline has passed,
	// never from in here, and outcome() says which. False where the queue is full. abandon() takes
	// it back.
	bool submit(
		const TicketPtr &ticket, Clock::time_point deadline, std::function<void()> on_settled) {
		ticket->deadline = deadline;
		ticket->on_settled = std::move(on_settled);
		if (!lane_.submit(ticket)) {
			ticket->on_settled = nullptr;
			return false;
		}
		if (!expiry_is_set_)
			set_expiry();
		return true;
	}

	void abandon(const TicketPtr &ticket) { lane_.abandon(ticket); }

	static Settled outcome(const typename LaneType::TicketType &ticket) {
		using State = typename LaneType::TicketType::State;
		if (ticket.state == State::answered)
			return Settled::answered;
		if (ticket.state == State::refused)
			return ticket.uncertain && !settles_earlier_attempts(ticket.sqlstate)
					   ? Settled::unknown
					   : Settled::refused;
		return ticket.sent ? Settled::unknown : Settled::not_sent;
	}

	// Submits the request and waits until it is settled or the deadline has passed.
	boost::asio::awaitable<Settled> settle(TicketPtr ticket, Clock::time_point deadline) {
		boost::asio::steady_timer settled(
			co_await boost::asio::this_coro::executor, Clock::time_point::max());
		if (!submit(ticket, deadline, [&settled] { settled.cancel(); }))
			co_return Settled::not_sent;
		co_await settled.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
		if (!ticket->settled()) // or the coroutine was cancelled
			lane_.abandon(ticket);
		co_return outcome(*ticket);
	}

	const LaneType &lane() const { return lane_; }

private:
	static constexpr std::chrono::milliseconds connect_timeout{2000};
	static constexpr std::chrono::milliseconds reconnect_pause{50};
	static constexpr std::chrono::seconds trusted_idle{1};

	boost::asio::awaitable<void> run(pg::Connection &connection) {
		boost::asio::steady_timer pause(io_);
		Clock::time_point last_used{};
		for (;;) {
			if (connection.connected() && Clock::now() - last_used > trusted_idle &&
				!lane_.empty() && !connection.alive())
				connection.close();
			if (!connection.connected()) {
				if (!lane_.empty()) // another connection may be able to carry what waits
					work_.cancel_one();
				if (!co_await connection.connect(connect_timeout) ||
					!co_await call_.prepare(connection)) {
					log_once(connection.last_error());
					connection.close();
					pause.expires_after(reconnect_pause);
					co_await pause.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
					continue;
				}
				last_logged_.clear();
				last_used = Clock::now();
			}
			if (lane_.empty()) {
				idle_connections_++;
				co_await work_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
				idle_connections_--;
				continue;
			}
			auto batch = lane_.take();
			auto sent = Clock::now();
			send(connection, batch);
			while (!batch.empty()) {
				const pg::Answer answer = co_await connection.receive();
				const auto received = Clock::now();
				const auto took = received - std::exchange(sent, received);
				lane_.call_ended(took);
				if (answer.kind == pg::Answer::Kind::ok)
					lane_.note_duration(batch, took);
				// The next call goes out first: the database works on it while this one's
				// requests are answered.
				typename LaneType::Batch next;
				if (answer.kind == pg::Answer::Kind::ok)
					next = lane_.take();
				send(connection, next);
				finish(connection, answer, batch);
				batch = std::move(next);
			}
			last_used = Clock::now();
		}
	}

	void send(pg::Connection &connection, const typename LaneType::Batch &batch) {
		if (batch.empty())
			return;
		const auto query = call_.query(batch);
		connection.send(query.sql, query.parameters, options_.call_timeout);
	}

	void finish(pg::Connection &connection, const pg::Answer &answer,
		const typename LaneType::Batch &batch) {
		switch (answer.kind) {
		case pg::Answer::Kind::ok:
			call_.read(answer.result, batch);
			lane_.answered(batch);
			break;
		case pg::Answer::Kind::refused:
			if (!answer.sqlstate.starts_with("TP"))
				log_once(connection.last_error());
			lane_.refused(batch, answer.sqlstate, answer.message);
			break;
		case pg::Answer::Kind::lost:
			log_once(connection.last_error());
			lane_.connection_lost(batch);
			break;
		}
	}

	// Deadlines pass in steps of this, with one timer for all.
	static constexpr std::chrono::milliseconds expiry_step{20};

	void set_expiry() {
		expiry_is_set_ = true;
		expiry_.expires_after(expiry_step);
		expiry_.async_wait([this](boost::system::error_code) {
			lane_.expire(Clock::now());
			expiry_is_set_ = false;
			if (!lane_.idle())
				set_expiry();
		});
	}

	// The same trouble again says nothing new.
	void log_once(const std::string &error) {
		if (error == last_logged_)
			return;
		last_logged_ = error;
		log_message("database: " + error);
	}

	boost::asio::io_context &io_;
	Options options_;
	Call call_;
	LaneType lane_;
	boost::asio::steady_timer work_; // never expires: connections with nothing to do wait for it
	size_t idle_connections_ = 0;
	boost::asio::steady_timer expiry_;
	bool expiry_is_set_ = false;
	std::list<pg::Connection> connections_;
	std::string last_logged_;
};

} // namespace tokpay
