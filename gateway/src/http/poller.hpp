// Tells the connections of a worker when their sockets can be read or written.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>

namespace tokpay {

// An epoll of their own behind the event loop's: Asio asks the kernel anew before every wait, which
// costs as much as reading a request. Here a socket is told once; after that events are edges.
class Poller {
public:
	class Client {
	public:
		// Some of EPOLLIN, EPOLLOUT and what else epoll tells. It may close its own socket in here,
		// not another one's.
		virtual void socket_is_ready(uint32_t events) = 0;

	protected:
		~Client() = default;
	};

	explicit Poller(boost::asio::io_context &io);

	// Tells the client about the socket until it is closed or removed. False where the kernel has
	// no memory.
	bool add(int socket, Client &client);

	void remove(int socket);

	// Tells everybody whose socket is ready now.
	void poll();

private:
	void wait();

	boost::asio::posix::stream_descriptor epoll_;
};

} // namespace tokpay
