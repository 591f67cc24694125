// The API's port: accepts connections and keeps their clock.
#pragma once

#include "http/session.hpp"
#include "ledger/call_meter.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unordered_set>

namespace tokpay {

// The connections of one worker. It accepts them until it stops, on a socket that shares its port
// with the other workers' (SO_REUSEPORT); the relief accepts none, but takes over connections of
// the others while their calls are large.
class Listener {
public:
	// Throws where the port cannot be had.
	Listener(Worker &worker, const Endpoint &endpoint);
	explicit Listener(Worker &worker); // the relief
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	// Before the start.
	void relieve(Listener &other);

	void start();

	// Takes in what clients have sent so far and accepts no more. Connections end with the answer
	// to the last of it, those that wait for a request at once.
	void stop();

	// Calls the session's flush() once what is ready now has been dealt with.
	void flush_later(Session &session);

	void forget(Session &session);

	// Whether the connection has gone to another worker, because it is better off there. The
	// session is over then.
	bool move(Session &session);

private:
	struct Hash {
		size_t operator()(const SessionPtr &session) const {
			return std::hash<Session *>()(session.get());
		}
	};

	boost::asio::awaitable<void> accept();
	void accept_pending();
	void start_session(boost::asio::ip::tcp::socket socket);
	SessionPtr add_session(Session::Connection connection, bool turned_away = false);
	void take_over(Session::Connection connection);
	void plan_moves();
	boost::asio::awaitable<void> watch_time();
	void close_late(Clock::time_point now);
	void make_room();
	void flush_sessions();

	Worker &worker_;
	boost::asio::ip::tcp::acceptor acceptor_;
	std::unordered_set<SessionPtr, Hash> sessions_;
	size_t turned_away_ = 0; // of them

	// Where connections may go to: of the relief all others, of the others the relief.
	struct Neighbour {
		Listener *listener;
		CallMeter calls;
	};

	std::vector<Neighbour> neighbours_;
	bool is_relief_ = false;
	CallMeter calls_;
	unsigned period_ = 1; // between two plans
	size_t active_ = 0;	  // connections that were between two requests in this period
	Listener *moving_to_ = nullptr;
	size_t to_move_ = 0;

	std::vector<SessionPtr> to_flush_;
	std::vector<SessionPtr> flushing_;
};

} // namespace tokpay
