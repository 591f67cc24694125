// The API's listener and its connections: reads requests, refuses what is not HTTP, writes answers.
#pragma once

#include "worker.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <unordered_set>

namespace tokpay {

class Session;

// Accepts connections of one worker until it stops. The socket shares its port with the other
// workers' (SO_REUSEPORT). Throws where the port cannot be had.
class Listener {
public:
	Listener(Worker &worker, const Endpoint &endpoint);

	void start();

	// Accepts no more and closes the connections that wait for a request; the others end with the
	// answer they are about to give.
	void stop();

private:
	boost::asio::awaitable<void> accept();
	boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);

	Worker &worker_;
	boost::asio::ip::tcp::acceptor acceptor_;
	std::unordered_set<Session *> sessions_;
};

} // namespace tokpay
