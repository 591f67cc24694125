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

#include <algorithm>
#include <charconv>
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

// SQLSTATE lock_not_available: lock_timeout has passed.
constexpr std::string_view lock_not_available = "55P03";

// The account whose lock was waited for in vain, from the error's DETAIL
// (extension/src/account.cpp); 0 where it was something else that is locked.
inline int64_t locked_account(std::string_view detail) {
	constexpr std::string_view head = "Account ";
	int64_t account = 0;
	if (detail.starts_with(head))
		std::from_chars(detail.data() + head.size(), detail.data() + detail.size(), account);
	return account;
}

// Call is a stateless description of what the lane says to the database:
//   types Request, Reply; using LaneType = Lane<Request, Reply>
//   Query query(const LaneType::Batch &, milliseconds) const   the statement that carries the batch
//                                                         and waits at most so long for a lock
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
		  expiry_(io), aside_(io, uri), aside_work_(io, Clock::time_point::max()) {
		lane_.on_work = [this] {
			if (idle_connections_ > 0)
				work_.cancel_one();
		};
		lane_.on_aside = [this] { aside_work_.cancel(); };
		for (size_t i = 0; i < options.connections; i++)
			connections_.emplace_back(io, uri);
	}

	void start() {
		for (pg::Connection &connection : connections_)
			boost::asio::co_spawn(io_, run(connection), boost::asio::detached);
		boost::asio::co_spawn(io_, run_aside(), boost::asio::detached);
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
			return ticket.may_be_executed() && !settles_earlier_attempts(ticket.sqlstate)
					   ? Settled::unknown
					   : Settled::refused;
		return ticket.may_be_executed() ? Settled::unknown : Settled::not_sent;
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
	// Other calls have a lock for tens of milliseconds each. Whoever keeps one for longer than this
	// keeps everybody waiting who shares the call.
	static constexpr std::chrono::milliseconds shared_lock_timeout{1000};
	// Aside they take turns: one round is about as long, however many accounts are waited for. Less
	// than what Quarantine keeps free before a deadline.
	static constexpr std::chrono::milliseconds aside_round{800};
	static constexpr std::chrono::milliseconds shortest_lock_timeout{100};

	boost::asio::awaitable<void> run(pg::Connection &connection) {
		Clock::time_point last_used{};
		for (;;) {
			if (!lane_.empty())
				close_if_stale(connection, last_used);
			if (!connection.connected()) {
				if (!lane_.empty()) // another connection may be able to carry what waits
					work_.cancel_one();
				const bool is_connected = co_await connect(connection);
				if (!is_connected)
					continue;
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

	// What is kept aside goes over a connection of its own, which is made when it is first needed.
	boost::asio::awaitable<void> run_aside() {
		Clock::time_point last_used{};
		for (;;) {
			if (!lane_.has_aside()) {
				co_await aside_work_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
				continue;
			}
			close_if_stale(aside_, last_used);
			if (!aside_.connected()) {
				const bool is_connected = co_await connect(aside_);
				if (!is_connected)
					continue;
			}
			const auto batch = lane_.take_aside(Clock::now());
			if (batch.empty())
				continue;
			const int turns = static_cast<int>(std::max<size_t>(lane_.turns(), 1));
			const auto sent = Clock::now();
			send(aside_, batch, std::max(aside_round / turns, shortest_lock_timeout));
			const pg::Answer answer = co_await aside_.receive();
			lane_.call_ended(Clock::now() - sent);
			finish(aside_, answer, batch);
			last_used = Clock::now();
			if (answer.kind == pg::Answer::Kind::lost) // perhaps by what it carried
				co_await pause();
		}
	}

	// A connection that nobody has used for a while may have been closed by the other side.
	static void close_if_stale(pg::Connection &connection, Clock::time_point last_used) {
		if (connection.connected() && Clock::now() - last_used > trusted_idle &&
			!connection.alive())
			connection.close();
	}

	// Whether there is a connection now; after a pause where there is none.
	boost::asio::awaitable<bool> connect(pg::Connection &connection) {
		bool is_connected = co_await connection.connect(connect_timeout);
		if (is_connected)
			is_connected = co_await call_.prepare(connection);
		if (is_connected) {
			last_logged_.clear();
			co_return true;
		}
		log_once(connection.last_error());
		connection.close();
		co_await pause();
		co_return false;
	}

	boost::asio::awaitable<void> pause() {
		boost::asio::steady_timer timer(io_, reconnect_pause);
		co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
	}

	void send(pg::Connection &connection, const typename LaneType::Batch &batch,
		std::chrono::milliseconds lock_timeout = shared_lock_timeout) {
		if (batch.empty())
			return;
		const auto query = call_.query(batch, lock_timeout);
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
			if (answer.sqlstate == lock_not_available) {
				if (!batch.front()->locked_by) // else it is known already
					log_once(connection.last_error());
				lane_.locked_out(batch, locked_account(answer.message));
				break;
			}
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
	pg::Connection aside_;
	boost::asio::steady_timer aside_work_; // never expires: the one aside waits for it
	std::string last_logged_;
};

} // namespace tokpay
