// One connection to the database through libpq's non-blocking interface, as coroutines.
#pragma once

#include "ledger/epoch.hpp"
#include "ledger/pg_binary.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tokpay::pg {

// What became of a call. lost: the connection broke or the time ran out, and whether the call was
// executed is unknown. refused: the database answered with an error and executed nothing. unsent:
// the pooler had no server for it and closed the connection.
struct Answer {
	enum class Kind { ok, refused, lost, unsent } kind = Kind::lost;
	Result result;
	std::optional<Epoch> epoch; // where it was asked for
	std::string sqlstate;
	std::string message;
};

// A statement and its parameters.
struct Query {
	const char *sql;
	std::vector<Parameter> parameters;
	bool asks_epoch = false; // before it, in the same transaction
};

// Not thread-safe; one query at a time.
class Connection {
public:
	// setting: where the URI is from, for last_error().
	Connection(boost::asio::io_context &io, std::string uri, const char *setting);
	~Connection();
	Connection(const Connection &) = delete;
	Connection &operator=(const Connection &) = delete;

	bool connected() const { return connection_ != nullptr; }

	// False where the other side has closed; costs one read of the socket.
	bool alive();

	// False with last_error() set where there is no connection within the timeout.
	boost::asio::awaitable<bool> connect(std::chrono::milliseconds timeout);

	// Sends one statement as an unnamed one, in binary format both ways, as a transaction of its
	// own; receive() has to follow, and says so where this has failed.
	void send(const Query &query, std::chrono::milliseconds timeout);
	boost::asio::awaitable<Answer> receive();

	// Both in one.
	boost::asio::awaitable<Answer> query(const Query &query, std::chrono::milliseconds timeout);

	// The answer that is waited for is lost.
	void give_up();

	void close();
	const std::string &last_error() const { return last_error_; }

private:
	boost::asio::awaitable<bool> wait(boost::asio::posix::stream_descriptor::wait_type type);
	boost::asio::awaitable<bool> finish_connecting();
	bool send_statement(const char *sql, const std::vector<Parameter> &parameters);
	boost::asio::awaitable<Answer> receive_answer();
	void read_error(const PGresult *error, Answer *answer);
	void start_timer(std::chrono::milliseconds timeout);
	void follow_socket();

	std::string uri_;
	PGconn *connection_ = nullptr;
	boost::asio::posix::stream_descriptor socket_;
	boost::asio::steady_timer timer_;
	bool sent_ = false;		  // and not answered yet
	bool asks_epoch_ = false; // so that there are two results, the epoch's first
	std::string last_error_;
	const char *setting_;
};

} // namespace tokpay::pg
