// Drives a lane over connections of its own, and lets a coroutine wait for its ticket. There are
// connections to every member of the cluster, open at all times; the leader's carry the calls.
#pragma once

#include "ledger/lane.hpp"
#include "ledger/leadership.hpp"
#include "ledger/pg_connection.hpp"
#include "process/log.hpp"

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
	answered,  // ticket.reply is set
	refused,   // ticket.sqlstate and message are set: certainly not executed
	not_sent,  // the queue was full or the deadline passed first: certainly not executed
	no_leader, // the same, since there was no leader to send it to
	unknown,   // sent, and no definite answer before the deadline
};

// SQLSTATE of those that do not lead: the ledger's own, and read_only_sql_transaction.
inline bool denies_leading(std::string_view sqlstate) {
	return sqlstate == "TP015" || sqlstate == "25006";
}

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
//   optional<Epoch> epoch(const pg::Answer &) const       of an answer
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

	// uris: one for each member, from that setting.
	LaneRunner(boost::asio::io_context &io, LeaderView &leader,
		const std::vector<std::string> &uris, const char *setting, Options options)
		: io_(io), leader_(leader), options_(options), lane_(options.limits),
		  work_(io, Clock::time_point::max()), expiry_(io),
		  aside_work_(io, Clock::time_point::max()) {
		lane_.on_work = [this] {
			if (idle_lines_ > 0)
				work_.cancel_one();
		};
		lane_.on_aside = [this] { aside_work_.cancel(); };
		for (size_t member = 0; member < uris.size(); member++) {
			for (size_t i = 0; i < options.connections; i++)
				lines_.emplace_back(io, uris[member], setting, member);
			aside_lines_.emplace_back(io, uris[member], setting, member);
		}
		lane_.hold(!leader.leading());
		leader.subscribe([this] { follow_leader(); });
	}

	void start() {
		for (Line &line : lines_)
			boost::asio::co_spawn(io_, run(line), boost::asio::detached);
		for (Line &line : aside_lines_)
			boost::asio::co_spawn(io_, run_aside(line), boost::asio::detached);
	}

	// Submits the request; on_settled is called once it is settled or the deadline has passed,
	// never from in here, and outcome() says which. False where the queue is full. abandon() takes
	// it back.
	bool submit(
		const TicketPtr &ticket, Clock::time_point deadline, std::function<void()> &&on_settled) {
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

	Settled outcome(const typename LaneType::TicketType &ticket) const {
		using State = typename LaneType::TicketType::State;
		if (ticket.state == State::answered)
			return Settled::answered;
		if (ticket.state == State::refused)
			return ticket.may_be_executed() && !settles_earlier_attempts(ticket.sqlstate)
					   ? Settled::unknown
					   : Settled::refused;
		return ticket.may_be_executed() ? Settled::unknown : not_executed();
	}

	// What became of a request that nobody has executed.
	Settled not_executed() const {
		return leader_.has_none() ? Settled::no_leader : Settled::not_sent;
	}

	// Submits the request and waits until it is settled or the deadline has passed.
	boost::asio::awaitable<Settled> settle(TicketPtr ticket, Clock::time_point deadline) {
		boost::asio::steady_timer settled(
			co_await boost::asio::this_coro::executor, Clock::time_point::max());
		if (!submit(ticket, deadline, [&settled] { settled.cancel(); }))
			co_return not_executed();
		co_await settled.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
		if (!ticket->settled()) // or the coroutine was cancelled
			lane_.abandon(ticket);
		co_return outcome(*ticket);
	}

	const LaneType &lane() const { return lane_; }

private:
	// A connection to a member.
	struct Line {
		Line(boost::asio::io_context &io, const std::string &uri, const char *setting, size_t m)
			: member(m), connection(io, uri, setting), turn(io) {}

		const size_t member;
		pg::Connection connection;
		boost::asio::steady_timer turn; // what it waits on while it has nothing to carry
		bool is_in_call = false;
	};

	static constexpr std::chrono::milliseconds connect_timeout{2000};
	static constexpr std::chrono::milliseconds reconnect_pause{50};
	static constexpr std::chrono::seconds trusted_idle{1};
	// Members that do not lead are looked after so often.
	static constexpr std::chrono::milliseconds warmth_interval{1000};
	// Other calls have a lock for tens of milliseconds each. Whoever keeps one for longer than this
	// keeps everybody waiting who shares the call.
	static constexpr std::chrono::milliseconds shared_lock_timeout{1000};
	// Aside they take turns: one round is about as long, however many accounts are waited for. Less
	// than what Quarantine keeps free before a deadline.
	static constexpr std::chrono::milliseconds aside_round{800};
	static constexpr std::chrono::milliseconds shortest_lock_timeout{100};

	boost::asio::awaitable<void> run(Line &line) {
		Clock::time_point last_used{};
		for (;;) {
			if (!lane_.empty() || !leader_.leads(line.member))
				close_if_stale(line.connection, last_used);
			if (!line.connection.connected()) {
				if (!lane_.empty()) // another connection may be able to carry what waits
					work_.cancel_one();
				const bool is_connected = co_await connect(line);
				if (!is_connected)
					continue;
				last_used = Clock::now();
			}
			if (!leader_.leads(line.member)) {
				co_await wait_for_turn(line, warmth_interval);
				continue;
			}
			if (lane_.empty()) {
				idle_lines_++;
				co_await work_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
				idle_lines_--;
				continue;
			}
			auto batch = lane_.take();
			auto sent = Clock::now();
			send(line, batch);
			while (!batch.empty()) {
				const pg::Answer answer = co_await receive(line);
				const auto received = Clock::now();
				const auto took = received - std::exchange(sent, received);
				lane_.call_ended(took);
				const auto epoch = accepted_epoch(line, answer);
				const bool is_done = epoch && answer.kind == pg::Answer::Kind::ok;
				if (is_done)
					lane_.note_duration(batch, took);
				// The next call goes out first: the database works on it while this one's
				// requests are answered.
				typename LaneType::Batch next;
				if (is_done && leader_.leads(line.member))
					next = lane_.take();
				send(line, next);
				finish(line, answer, epoch, batch);
				batch = std::move(next);
			}
			last_used = Clock::now();
		}
	}

	// What is kept aside goes over connections of its own, made when they are first needed.
	boost::asio::awaitable<void> run_aside(Line &line) {
		Clock::time_point last_used{};
		for (;;) {
			if (!lane_.has_aside() || !leader_.leads(line.member)) {
				co_await aside_work_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
				continue;
			}
			close_if_stale(line.connection, last_used);
			if (!line.connection.connected()) {
				const bool is_connected = co_await connect(line);
				if (!is_connected)
					continue;
			}
			const auto batch = lane_.take_aside(Clock::now());
			if (batch.empty())
				continue;
			const int turns = static_cast<int>(std::max<size_t>(lane_.turns(), 1));
			const auto sent = Clock::now();
			send(line, batch, std::max(aside_round / turns, shortest_lock_timeout));
			const pg::Answer answer = co_await receive(line);
			lane_.call_ended(Clock::now() - sent);
			finish(line, answer, accepted_epoch(line, answer), batch);
			last_used = Clock::now();
			if (answer.kind == pg::Answer::Kind::lost) // perhaps by what it carried
				co_await wait_for_turn(line, reconnect_pause);
		}
	}

	// Another member leads, or none that is known.
	void follow_leader() {
		lane_.hold(!leader_.leading());
		work_.cancel();
		aside_work_.cancel();
		for (std::list<Line> *lines : {&lines_, &aside_lines_})
			for (Line &line : *lines) {
				line.turn.cancel();
				// Nobody may see what it answers any more, if it answers at all.
				if (line.is_in_call && another_leads(line))
					line.connection.give_up();
			}
	}

	bool another_leads(const Line &line) const {
		return leader_.leading() && !leader_.leads(line.member);
	}

	// Until another member leads, or for so long.
	static boost::asio::awaitable<void> wait_for_turn(
		Line &line, std::chrono::milliseconds longest) {
		line.turn.expires_after(longest);
		co_await line.turn.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
	}

	// A connection that nobody has used for a while may have been closed by the other side.
	static void close_if_stale(pg::Connection &connection, Clock::time_point last_used) {
		if (connection.connected() && Clock::now() - last_used > trusted_idle &&
			!connection.alive())
			connection.close();
	}

	// Whether there is a connection now; after a pause where there is none.
	boost::asio::awaitable<bool> connect(Line &line) {
		bool is_connected = co_await line.connection.connect(connect_timeout);
		if (is_connected)
			is_connected = co_await call_.prepare(line.connection);
		if (is_connected) {
			last_logged_.clear();
			co_return true;
		}
		const bool is_needed = leader_.leads(line.member);
		if (is_needed)
			log_once(line.connection.last_error());
		line.connection.close();
		auto pause = warmth_interval;
		if (is_needed)
			pause = reconnect_pause;
		co_await wait_for_turn(line, pause);
		co_return false;
	}

	void send(Line &line, const typename LaneType::Batch &batch,
		std::chrono::milliseconds lock_timeout = shared_lock_timeout) {
		if (batch.empty())
			return;
		line.is_in_call = true;
		line.connection.send(call_.query(batch, lock_timeout), time_for(batch));
	}

	// Whoever is told that an outcome is unknown asks again, perhaps another gateway, and is
	// answered the truth only if this call changes nothing any more by then: it ends with its
	// connection. Calls that end by themselves are left to do so.
	std::chrono::milliseconds time_for(const typename LaneType::Batch &batch) const {
		auto earliest = Clock::time_point::max();
		for (const TicketPtr &ticket : batch)
			earliest = std::min(earliest, ticket->deadline);
		const auto left = std::chrono::floor<std::chrono::milliseconds>(earliest - Clock::now());
		return std::clamp(left, shared_lock_timeout, options_.call_timeout);
	}

	boost::asio::awaitable<pg::Answer> receive(Line &line) {
		pg::Answer answer = co_await line.connection.receive();
		line.is_in_call = false;
		co_return answer;
	}

	// The epoch of an answer that a client may see; nothing where it has to be got from somebody
	// else.
	std::optional<Epoch> accepted_epoch(const Line &line, const pg::Answer &answer) {
		const bool is_ok = answer.kind == pg::Answer::Kind::ok;
		if (!is_ok && answer.kind != pg::Answer::Kind::refused)
			return std::nullopt;
		const auto epoch = is_ok ? call_.epoch(answer) : answer.epoch;
		if (epoch)
			return leader_.accepts(line.member, *epoch) ? epoch : std::nullopt;
		// An error may come alone; then it is of the epoch in which its member leads.
		return !is_ok && leader_.leads(line.member) ? leader_.epoch() : std::nullopt;
	}

	void finish(Line &line, const pg::Answer &answer, const std::optional<Epoch> &epoch,
		const typename LaneType::Batch &batch) {
		const std::string &error = line.connection.last_error();
		switch (answer.kind) {
		case pg::Answer::Kind::ok:
			if (!epoch) {
				line.connection.close();
				lane_.connection_lost(batch, Blame::leader);
				break;
			}
			call_.read(answer.result, batch);
			lane_.answered(batch, epoch);
			break;
		case pg::Answer::Kind::refused:
			if (denies_leading(answer.sqlstate))
				leader_.denied(line.member, error);
			else if (!epoch)
				line.connection.close();
			if (denies_leading(answer.sqlstate) || !epoch) {
				lane_.not_executed(batch);
				break;
			}
			if (answer.sqlstate == lock_not_available) {
				if (!batch.front()->locked_by) // else it is known already
					log_once(error);
				lane_.locked_out(batch, locked_account(answer.message));
				break;
			}
			if (!answer.sqlstate.starts_with("TP"))
				log_once(error);
			lane_.refused(batch, answer.sqlstate, answer.message, epoch);
			break;
		case pg::Answer::Kind::unsent:
			leader_.doubted(line.member, error);
			lane_.not_executed(batch);
			break;
		case pg::Answer::Kind::lost:
			log_once(error);
			leader_.doubted(line.member, error);
			lane_.connection_lost(batch, another_leads(line) ? Blame::leader : Blame::requests);
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

	using Blame = typename LaneType::Blame;

	boost::asio::io_context &io_;
	LeaderView &leader_;
	Options options_;
	Call call_;
	LaneType lane_;
	boost::asio::steady_timer work_; // never expires: connections with nothing to do wait for it
	size_t idle_lines_ = 0;
	boost::asio::steady_timer expiry_;
	bool expiry_is_set_ = false;
	std::list<Line> lines_;
	std::list<Line> aside_lines_;
	boost::asio::steady_timer aside_work_; // never expires: the one aside waits for it
	std::string last_logged_;
};

} // namespace tokpay
