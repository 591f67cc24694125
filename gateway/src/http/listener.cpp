#include "http/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr int listen_backlog = 4096;
constexpr std::chrono::milliseconds accept_pause{50};
// The clients' time is up in steps of this.
constexpr std::chrono::milliseconds clock_step{100};
// So many of those that are too many are told so at a time; more are closed without a word.
constexpr size_t max_turned_away = 64;

} // namespace

Listener::Listener(Worker &worker, const Endpoint &endpoint)
	: worker_(worker), acceptor_(worker.io) {
	const tcp::endpoint address(asio::ip::make_address(endpoint.host), endpoint.port);
	using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
	acceptor_.open(address.protocol());
	acceptor_.set_option(tcp::acceptor::reuse_address(true));
	acceptor_.set_option(reuse_port(true));
	acceptor_.bind(address);
	acceptor_.listen(listen_backlog);
}

Listener::~Listener() {
	const auto sessions = sessions_; // closing takes them out
	for (const SessionPtr &session : sessions)
		session->close();
}

void Listener::start() {
	asio::co_spawn(worker_.io, accept(), asio::detached);
	asio::co_spawn(worker_.io, watch_time(), asio::detached);
}

void Listener::stop() {
	accept_pending();
	boost::system::error_code ignored;
	acceptor_.close(ignored);
	const auto sessions = sessions_; // closing takes them out
	for (const SessionPtr &session : sessions)
		session->take_in();
	worker_.stopping = true;
	for (const SessionPtr &session : sessions)
		flush_later(*session);
}

// Clients whose connections the kernel has made may have sent a request already.
void Listener::accept_pending() {
	boost::system::error_code error;
	acceptor_.non_blocking(true, error);
	while (!error) {
		tcp::socket socket(worker_.io);
		acceptor_.accept(socket, error);
		if (!error)
			start_session(std::move(socket));
	}
}

void Listener::forget(Session &session) {
	turned_away_ -= session.turned_away_ ? 1 : 0;
	sessions_.erase(SessionPtr(&session));
}

asio::awaitable<void> Listener::accept() {
	for (;;) {
		auto [error, socket] = co_await acceptor_.async_accept(no_throw);
		if (!error)
			start_session(std::move(socket));
		if (!acceptor_.is_open())
			co_return;
		if (error) {
			// Out of descriptors or memory: let some connections end first.
			asio::steady_timer pause(worker_.io, accept_pause);
			co_await pause.async_wait(no_throw);
		}
	}
}

void Listener::start_session(tcp::socket socket) {
	const bool is_full = sessions_.size() - turned_away_ >= worker_.config.max_connections;
	if (is_full && turned_away_ == max_turned_away)
		return; // the socket closes
	boost::system::error_code ignored;
	const auto peer = socket.remote_endpoint(ignored).address();
	socket.set_option(tcp::no_delay(true), ignored);
	boost::system::error_code error;
	socket.native_non_blocking(true, error);
	if (error)
		return;
	const SessionPtr session(new Session(*this, worker_, socket.release(), peer));
	sessions_.insert(session);
	session->turned_away_ = is_full;
	turned_away_ += is_full ? 1 : 0;
	session->start();
	if (is_full)
		session->turn_away();
	if (worker_.stopping) { // it had been accepted when the acceptor closed
		session->take_in();
		flush_later(*session);
	}
}

asio::awaitable<void> Listener::watch_time() {
	asio::steady_timer step(worker_.io);
	for (;;) {
		step.expires_after(clock_step);
		co_await step.async_wait(no_throw);
		close_late(Clock::now());
		if (worker_.unread_bytes > max_unread_bytes)
			make_room();
	}
}

void Listener::close_late(Clock::time_point now) {
	std::vector<SessionPtr> late;
	for (const SessionPtr &session : sessions_)
		if (session->is_late(now))
			late.push_back(session);
	for (const SessionPtr &session : late)
		session->time_is_up();
}

// Closes those who have not read their answers for longest, until the others have room.
void Listener::make_room() {
	std::vector<SessionPtr> behind;
	for (const SessionPtr &session : sessions_)
		if (session->waits_ == Session::Waits::for_reading)
			behind.push_back(session);
	std::ranges::sort(behind, {}, [](const SessionPtr &session) { return session->deadline_; });
	for (const SessionPtr &session : behind) {
		if (worker_.unread_bytes <= max_unread_bytes)
			return;
		session->close();
	}
}

void Listener::flush_later(Session &session) {
	if (std::exchange(session.flush_is_due_, true))
		return;
	to_flush_.emplace_back(&session);
	if (to_flush_.size() == 1)
		asio::post(worker_.io, [this] { flush_sessions(); });
}

void Listener::flush_sessions() {
	flushing_.swap(to_flush_);
	for (const SessionPtr &session : flushing_) {
		session->flush_is_due_ = false;
		session->flush();
	}
	flushing_.clear();
}

} // namespace tokpay
