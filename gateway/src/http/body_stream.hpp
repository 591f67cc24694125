// Bodies that are made piece by piece: what stands between the coroutine that makes one and the
// connection that sends it.
#pragma once

#include "http/http.hpp"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace tokpay {

// The connection as its stream sees it.
class StreamConnection {
public:
	// Takes a piece; false where the stream has to wait for room before the next one.
	virtual bool put_piece(std::string_view piece) = 0;
	virtual void stream_ended(bool complete) = 0;

protected:
	~StreamConnection() = default;
};

// Shared by the coroutine and the connection, either of which may end first.
class StreamWriter final : public BodyWriter, public std::enable_shared_from_this<StreamWriter> {
public:
	StreamWriter(boost::asio::io_context &io, StreamConnection &connection);

	void start(BodyStream make);

	boost::asio::awaitable<bool> write(std::string_view piece) override;

	// There is room again.
	void proceed() { room_.cancel(); }

	// The connection is gone: whatever the coroutine waits for ends early.
	void abandon();

private:
	boost::asio::awaitable<void> run(BodyStream make);

	boost::asio::io_context &io_;
	StreamConnection *connection_; // none once it is gone
	boost::asio::steady_timer room_;
	boost::asio::cancellation_signal gone_;
};

} // namespace tokpay
