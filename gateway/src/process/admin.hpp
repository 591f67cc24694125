// The admin port: /livez, /readyz and /metrics.
#pragma once

#include "process/worker.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <vector>

namespace tokpay {

// Serves on the first worker's thread. Throws where the port cannot be had.
class Admin {
public:
	Admin(Worker &worker, const Leadership &leadership, std::vector<const Metrics *> metrics,
		const Endpoint &endpoint);

	void start();

private:
	boost::asio::awaitable<void> accept();
	boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);
	boost::asio::awaitable<void> ask_for_credentials();
	const char *readiness() const;

	Worker &worker_;
	const Leadership &leadership_;
	std::vector<const Metrics *> metrics_;
	Clock::time_point last_answer_{}; // over a connection of admin-database
	boost::asio::ip::tcp::acceptor acceptor_;
};

} // namespace tokpay
