// The API's port: accepts connections and keeps their clock.
#pragma once

#include "http/session.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unordered_set>

namespace tokpay {

// Accepts connections of one worker until it stops. The socket shares its port with the other
// workers' (SO_REUSEPORT). Throws where the port cannot be had.
class Listener {
public:
	Listener(Worker &worker, const Endpoint &endpoint);
	~Listener();
	Listener(const Listener &) = delete;
	Listener &operator=(const Listener &) = delete;

	void start();

	// Takes in what clients have sent so far and accepts no more. Connections end with the answer
	// to the last of it, those that wait for a request at once.
	void stop();

	// Calls the session's flush() once what is ready now has been dealt with.
	void flush_later(Session &session);

	void forget(Session &session);

private:
	struct Hash {
		size_t operator()(const SessionPtr &session) const {
			return std::hash<Session *>()(session.get());
		}
	};

	boost::asio::awaitable<void> accept();
	void accept_pending();
	void start_session(boost::asio::ip::tcp::socket socket);
	boost::asio::awaitable<void> watch_time();
	void close_late(Clock::time_point now);
	void make_room();
	void flush_sessions();

	Worker &worker_;
	boost::asio::ip::tcp::acceptor acceptor_;
	std::unordered_set<SessionPtr, Hash> sessions_;
	size_t turned_away_ = 0; // of them
	std::vector<SessionPtr> to_flush_;
	std::vector<SessionPtr> flushing_;
};

} // namespace tokpay
