// Finds out who leads: asks every member over a connection of its own for the epoch, once a second,
// and all the time while nobody leads. Patroni's REST interfaces say whom to ask at once.
#pragma once

#include "ledger/leadership.hpp"
#include "ledger/pg_connection.hpp"
#include "process/config.hpp"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>

namespace tokpay {

// Runs on one worker's thread.
class LeaderFinder {
public:
	// Throws SettingError where a file for Patroni cannot be read.
	LeaderFinder(boost::asio::io_context &io, Leadership &leadership, const Config &config);

	void start();

private:
	struct Member {
		Member(boost::asio::io_context &io, const std::string &uri, size_t i)
			: index(i), connection(io, uri, "database"), pause(io) {}

		const size_t index;
		pg::Connection connection;
		boost::asio::steady_timer pause; // between two questions
		bool is_wanted = false;			 // to be asked again at once
	};

	boost::asio::awaitable<void> watch(Member &member);
	boost::asio::awaitable<void> ask(Member &member);
	boost::asio::awaitable<void> ask_for_lag(Member &member);
	boost::asio::awaitable<void> wait(Member &member, Leader::TimePoint asked);
	boost::asio::awaitable<void> follow_patroni(Member &member, WebAddress address);

	boost::asio::io_context &io_;
	LeaderView leader_;
	Leadership &leadership_;
	const std::vector<WebAddress> patroni_;
	boost::asio::ssl::context tls_;
	std::list<Member> members_;
};

} // namespace tokpay
