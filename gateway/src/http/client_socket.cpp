#include "http/client_socket.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr uint32_t end_events = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

int bounded(size_t size) {
	return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

// What came of recv or send.
ClientSocket::error_code error_of(ssize_t size) {
	if (size >= 0)
		return {};
	if (errno == EAGAIN)
		return asio::error::would_block;
	return {errno, boost::system::system_category()};
}

} // namespace

ClientSocket::ClientSocket(int socket, const TlsContextPtr &context)
	: socket_(socket), read_needs_(EPOLLIN), write_needs_(EPOLLOUT) {
	if (!context)
		return;
	tls_.reset(SSL_new(context.get()));
	if (!tls_ || SSL_set_fd(tls_.get(), socket_) != 1) { // out of memory
		broken_ = true;
		return;
	}
	SSL_set_accept_state(tls_.get());
}

ClientSocket::ClientSocket(ClientSocket &&other) noexcept
	: socket_(std::exchange(other.socket_, -1)), tls_(std::move(other.tls_)),
	  read_needs_(other.read_needs_), write_needs_(other.write_needs_), readable_(other.readable_),
	  writable_(other.writable_), ends_(other.ends_), broken_(other.broken_) {}

void ClientSocket::FreeConnection::operator()(SSL *connection) const {
	SSL_free(connection);
}

void ClientSocket::note(uint32_t events) {
	ends_ |= (events & end_events) != 0;
	readable_ |= (events & (read_needs_ | end_events)) != 0;
	writable_ |= (events & (write_needs_ | end_events)) != 0;
}

ClientSocket::error_code ClientSocket::failure(int result, uint32_t &needs) {
	switch (SSL_get_error(tls_.get(), result)) {
	case SSL_ERROR_WANT_READ:
		needs = EPOLLIN;
		return asio::error::would_block;
	case SSL_ERROR_WANT_WRITE:
		needs = EPOLLOUT;
		return asio::error::would_block;
	case SSL_ERROR_ZERO_RETURN:
		return asio::error::eof;
	default:
		broken_ = true;
		return asio::error::connection_reset;
	}
}

size_t ClientSocket::read_some(std::span<char> room, error_code &error) {
	if (!tls_) {
		const ssize_t size = recv(socket_, room.data(), room.size(), 0);
		error = error_of(size);
		if (size == 0)
			error = asio::error::eof;
		const size_t used = static_cast<size_t>(std::max<ssize_t>(size, 0));
		// What did not fill the room has emptied the socket.
		readable_ = !error && (used == room.size() || ends_);
		return used;
	}
	error = broken_ ? error_code(asio::error::connection_reset) : error_code();
	if (broken_)
		return 0;
	ERR_clear_error(); // the queue is the thread's, not the connection's
	const int size = SSL_read(tls_.get(), room.data(), bounded(room.size()));
	if (size > 0) {
		read_needs_ = EPOLLIN;
		return static_cast<size_t>(size);
	}
	error = failure(size, read_needs_);
	readable_ = error != asio::error::would_block;
	return 0;
}

size_t ClientSocket::write_some(std::string_view bytes, error_code &error) {
	if (!tls_) {
		const ssize_t size = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
		error = error_of(size);
		writable_ = error != asio::error::would_block;
		return static_cast<size_t>(std::max<ssize_t>(size, 0));
	}
	error = broken_ ? error_code(asio::error::connection_reset) : error_code();
	if (broken_)
		return 0;
	ERR_clear_error();
	const int size = SSL_write(tls_.get(), bytes.data(), bounded(bytes.size()));
	if (size > 0) {
		write_needs_ = EPOLLOUT;
		return static_cast<size_t>(size);
	}
	error = failure(size, write_needs_);
	writable_ = error != asio::error::would_block;
	return 0;
}

void ClientSocket::shutdown_send() {
	if (tls_ && !broken_ && SSL_is_init_finished(tls_.get()) != 0) {
		ERR_clear_error();
		SSL_shutdown(tls_.get()); // does not wait for the client's
		ERR_clear_error();
	}
	shutdown(socket_, SHUT_WR);
}

void ClientSocket::close() {
	if (socket_ >= 0)
		::close(std::exchange(socket_, -1));
}

} // namespace tokpay
