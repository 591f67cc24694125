// A client's socket, with TLS or without.
#pragma once

#include "http/tls.hpp"

#include <boost/asio/error.hpp>

#include <span>
#include <string_view>

namespace tokpay {

// Never blocks; the socket is closed with it. Where TLS is spoken the handshake is part of the
// first read, and OpenSSL is driven by hand: Asio's own stream has no calls that end with
// would_block. Not thread-safe, but another thread may have it from now on.
class ClientSocket {
public:
	using error_code = boost::system::error_code;

	// Without a context it is the socket as it is.
	ClientSocket(int socket, const TlsContextPtr &context);
	~ClientSocket() { close(); }
	ClientSocket(ClientSocket &&other) noexcept;
	ClientSocket &operator=(ClientSocket &&) = delete;

	// Takes note of what epoll tells, edge by edge.
	void note(uint32_t events);

	// Whether it is worth while to read, or to write.
	bool readable() const { return readable_; }
	bool writable() const { return writable_; }

	// At least 16 KiB of room: a record that was read in part would not show as readable.
	size_t read_some(std::span<char> room, error_code &error);

	// What would_block has not taken is the beginning of what comes next time.
	size_t write_some(std::string_view bytes, error_code &error);

	// Nothing more will be written; with TLS the client can tell this end from a cut.
	void shutdown_send();

	void close();

	int handle() const { return socket_; }

private:
	struct FreeConnection {
		void operator()(SSL *connection) const;
	};

	// What OpenSSL's result means: would_block, with what to wait for in needs, the end, or a
	// fault.
	error_code failure(int result, uint32_t &needs);

	int socket_;
	std::unique_ptr<SSL, FreeConnection> tls_; // none: plain
	// What epoll has to tell before it is worth while again; TLS may have to write to read.
	uint32_t read_needs_;
	uint32_t write_needs_;
	bool readable_ = true;
	bool writable_ = true;
	bool ends_ = false;	  // an end or a fault is to be read, which comes without another edge
	bool broken_ = false; // OpenSSL must not be asked again
};

} // namespace tokpay
