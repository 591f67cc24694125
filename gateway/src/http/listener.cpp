#include "http/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cmath>

namespace tokpay {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr int listen_backlog = 4096;
constexpr std::chrono::milliseconds accept_pause{50};
// The clients' time is up in steps of this.
constexpr std::chrono::milliseconds clock_step{100};
constexpr unsigned steps_of_period = 10;
// So many of those that are too many are told so at a time; more are closed without a word.
constexpr size_t max_turned_away = 64;
// From this weight on two workers do more than one: a call costs the database the less for each
// request the more it carries, but beyond some hundreds no more, and then two calls at a time are
// better.
constexpr float large_call = 256;
// Of two workers together, whose connections one can serve. Parted calls are not so small where
// clients ask again as soon as they are answered.
constexpr float small_calls = 150;

CallMeter::Lanes lanes_of(const Worker &worker) {
	return {&worker.reads.lane().counters(), &worker.transfers.lane().counters(),
		&worker.funded_transfers.lane().counters()};
}

} // namespace

Listener::Listener(Worker &worker, const Endpoint &endpoint) : Listener(worker) {
	const tcp::endpoint address(asio::ip::make_address(endpoint.host), endpoint.port);
	using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
	acceptor_.open(address.protocol());
	acceptor_.set_option(tcp::acceptor::reuse_address(true));
	acceptor_.set_option(reuse_port(true));
	acceptor_.bind(address);
	acceptor_.listen(listen_backlog);
}

Listener::Listener(Worker &worker)
	: worker_(worker), acceptor_(worker.io), calls_(lanes_of(worker)) {}

Listener::~Listener() {
	const auto sessions = sessions_; // closing takes them out
	for (const SessionPtr &session : sessions)
		session->close();
}

void Listener::relieve(Listener &other) {
	is_relief_ = true;
	neighbours_.push_back({&other, CallMeter(lanes_of(other.worker_))});
	other.neighbours_.push_back({this, CallMeter(lanes_of(worker_))});
}

void Listener::start() {
	if (!is_relief_)
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
	size_t count = sessions_.size() - turned_away_;
	for (const Neighbour &relief : neighbours_)
		count += relief.listener->worker_.metrics.connections.get();
	const bool is_full = count >= worker_.config.max_connections;
	if (is_full && turned_away_ == max_turned_away)
		return; // the socket closes
	boost::system::error_code ignored;
	const auto peer = socket.remote_endpoint(ignored).address();
	socket.set_option(tcp::no_delay(true), ignored);
	boost::system::error_code error;
	socket.native_non_blocking(true, error);
	if (error)
		return;
	const auto context = worker_.tls == nullptr ? nullptr : worker_.tls->context();
	const SessionPtr session =
		add_session({ClientSocket(socket.release(), context), peer}, is_full);
	if (is_full)
		session->turn_away();
	if (worker_.stopping) { // it had been accepted when the acceptor closed
		session->take_in();
		flush_later(*session);
	}
}

SessionPtr Listener::add_session(Session::Connection connection, bool turned_away) {
	SessionPtr session(new Session(*this, worker_, std::move(connection)));
	sessions_.insert(session);
	session->turned_away_ = turned_away;
	turned_away_ += turned_away ? 1 : 0;
	session->start();
	return session;
}

void Listener::take_over(Session::Connection connection) {
	const SessionPtr session = add_session(std::move(connection));
	if (worker_.stopping)
		session->take_in();
	flush_later(*session);
}

// From the calls of the last period: large ones are parted, small ones joined.
void Listener::plan_moves() {
	const float mine = calls_.measure();
	to_move_ = 0;
	for (Neighbour &neighbour : neighbours_) {
		const float theirs = neighbour.calls.measure();
		const size_t there = neighbour.listener->worker_.metrics.connections.get();
		const bool is_large = mine >= large_call && std::isfinite(mine) && theirs < mine / 2;
		const bool wanted = is_relief_ ? mine + theirs < small_calls : is_large;
		if (!wanted || there >= worker_.config.max_connections)
			continue;
		moving_to_ = neighbour.listener;
		to_move_ = is_relief_ ? active_ : active_ / 2;
	}
	active_ = 0;
	period_++;
}

bool Listener::move(Session &session) {
	if (worker_.stopping || !session.is_between_requests())
		return false;
	if (std::exchange(session.active_period_, period_) != period_)
		active_++;
	if (to_move_ == 0)
		return false;
	to_move_--;
	asio::post(moving_to_->worker_.io, [to = moving_to_, connection = session.detach()]() mutable {
		to->take_over(std::move(connection));
	});
	forget(session);
	return true;
}

asio::awaitable<void> Listener::watch_time() {
	asio::steady_timer step(worker_.io);
	for (unsigned steps = 0;;) {
		step.expires_after(clock_step);
		co_await step.async_wait(no_throw);
		close_late(Clock::now());
		if (++steps % steps_of_period == 0)
			plan_moves();
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
