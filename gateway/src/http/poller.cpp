#include "http/poller.hpp"

#include <sys/epoll.h>

#include <array>
#include <span>
#include <system_error>

namespace tokpay {

namespace asio = boost::asio;

namespace {

int make_epoll() {
	const int descriptor = epoll_create1(EPOLL_CLOEXEC);
	if (descriptor < 0)
		throw std::system_error(errno, std::generic_category(), "epoll_create1");
	return descriptor;
}

} // namespace

Poller::Poller(asio::io_context &io) : epoll_(io, make_epoll()) {
	wait();
}

bool Poller::add(int socket, Client &client) {
	epoll_event wanted{
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = &client}};
	return epoll_ctl(epoll_.native_handle(), EPOLL_CTL_ADD, socket, &wanted) == 0;
}

void Poller::remove(int socket) {
	epoll_ctl(epoll_.native_handle(), EPOLL_CTL_DEL, socket, nullptr);
}

void Poller::wait() {
	epoll_.async_wait(
		asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
			if (error)
				return;
			poll();
			wait();
		});
}

void Poller::poll() {
	std::array<epoll_event, 256> events; // what is beyond them comes next time
	const int count = epoll_wait(epoll_.native_handle(), events.data(), events.size(), 0);
	if (count > 0)
		for (const epoll_event &event : std::span(events).first(static_cast<size_t>(count)))
			static_cast<Client *>(event.data.ptr)->socket_is_ready(event.events);
}

} // namespace tokpay
