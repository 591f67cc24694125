#include "listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tokpay {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr int listen_backlog = 4096;
constexpr std::chrono::milliseconds accept_pause{50};
// The clients' time is up in steps of this.
constexpr std::chrono::milliseconds clock_step{100};

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
	boost::system::error_code ignored;
	acceptor_.close(ignored);
	worker_.stopping = true;
	const auto sessions = sessions_; // closing takes them out
	for (const SessionPtr &session : sessions)
		session->close_if_idle();
}

asio::awaitable<void> Listener::accept() {
	for (;;) {
		auto [error, socket] = co_await acceptor_.async_accept(no_throw);
		if (!acceptor_.is_open())
			co_return;
		if (error) {
			// Out of descriptors or memory: let some connections end first.
			asio::steady_timer pause(worker_.io, accept_pause);
			co_await pause.async_wait(no_throw);
			continue;
		}
		if (sessions_.size() >= worker_.config.max_connections)
			continue; // the socket closes
		start_session(std::move(socket));
	}
}

void Listener::start_session(tcp::socket socket) {
	boost::system::error_code ignored;
	const auto peer = socket.remote_endpoint(ignored).address();
	socket.set_option(tcp::no_delay(true), ignored);
	boost::system::error_code error;
	socket.native_non_blocking(true, error);
	if (error)
		return;
	const SessionPtr session(new Session(*this, worker_, socket.release(), peer));
	sessions_.insert(session);
	session->start();
}

asio::awaitable<void> Listener::watch_time() {
	asio::steady_timer step(worker_.io);
	for (;;) {
		step.expires_after(clock_step);
		co_await step.async_wait(no_throw);
		const auto now = Clock::now();
		std::vector<SessionPtr> late;
		for (const SessionPtr &session : sessions_)
			if (session->is_late(now))
				late.push_back(session);
		for (const SessionPtr &session : late)
			session->time_is_up();
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
