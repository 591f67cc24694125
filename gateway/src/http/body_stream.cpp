#include "http/body_stream.hpp"

#include "process/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tokpay {

namespace asio = boost::asio;

StreamWriter::StreamWriter(asio::io_context &io, StreamConnection &connection)
	: io_(io), connection_(&connection), room_(io, asio::steady_timer::time_point::max()) {}

// The handler keeps the writer, which is more than the coroutine could: Asio looks at the slot of
// gone_ once more after the coroutine's end.
void StreamWriter::start(BodyStream make) {
	asio::co_spawn(io_, run(std::move(make)),
		asio::bind_cancellation_slot(
			gone_.slot(), [self = shared_from_this()](const std::exception_ptr &) {}));
}

asio::awaitable<void> StreamWriter::run(BodyStream make) {
	co_await asio::this_coro::throw_if_cancelled(false);
	bool complete = false;
	try {
		co_await make(*this);
		complete = true;
	} catch (const std::exception &error) {
		log_message(std::string("a streamed body: ") + error.what());
	}
	if (connection_ != nullptr)
		connection_->stream_ended(complete);
}

asio::awaitable<bool> StreamWriter::write(std::string_view piece) {
	if (connection_ == nullptr)
		co_return false;
	if (!connection_->put_piece(piece))
		co_await room_.async_wait(asio::as_tuple(asio::use_awaitable));
	co_return connection_ != nullptr;
}

void StreamWriter::abandon() {
	connection_ = nullptr;
	gone_.emit(asio::cancellation_type::terminal);
	room_.cancel();
}

} // namespace tokpay
