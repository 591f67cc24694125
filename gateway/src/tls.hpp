// TLS of the API's port: certificate and key, and a client's socket with it or without.
#pragma once

#include "config.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <openssl/types.h>

#include <memory>
#include <mutex>

namespace tokpay {

using TlsContextPtr = std::shared_ptr<SSL_CTX>;

// The certificate and key of the port: TLS 1.2 or newer, HTTP/1.1 in ALPN, forward secrecy.
// Thread-safe. Throws SettingError, with what to do, where the files cannot be used.
class ServerTls {
public:
	explicit ServerTls(const TlsConfig &config);

	// Reads the files again. Connections go on with what they began with; where it throws,
	// everything stays as it was.
	void reload();

	// For one new connection.
	TlsContextPtr context() const;

private:
	TlsConfig config_;
	// GCC 12's std::atomic<std::shared_ptr> reads the pointer in a data race with a store.
	mutable std::mutex mutex_;
	TlsContextPtr context_;
};

// A client's socket, which never blocks. What a session calls has the names and the meaning that it
// has in Asio; where TLS is spoken, the handshake is part of the first read. OpenSSL is driven by
// hand: Asio's own stream has no calls that end with would_block. Not thread-safe.
class ClientSocket {
public:
	using Socket = boost::asio::ip::tcp::socket;
	using error_code = boost::system::error_code;

	// Without a context it is the socket as it is.
	ClientSocket(Socket socket, const TlsContextPtr &context);

	// At least 16 KiB of room: a record that was read in part would not show as readable.
	size_t read_some(boost::asio::mutable_buffer buffer, error_code &error);

	// What would_block has not taken is the beginning of what comes next time.
	size_t write_some(boost::asio::const_buffer buffer, error_code &error);

	// Waits until it is worth while to read, or to write, once more.
	template<class Handler> void async_wait(Socket::wait_type type, Handler &&handler) {
		socket_.async_wait(
			type == Socket::wait_read ? read_needs_ : write_needs_, std::forward<Handler>(handler));
	}

	// Nothing more will be written; with TLS the client can tell this end from a cut.
	void shutdown_send();

	void close();

	// For options and addresses.
	Socket &socket() { return socket_; }

private:
	struct FreeConnection {
		void operator()(SSL *connection) const;
	};

	// What OpenSSL's result means: would_block, with what to wait for in needs, the end, or a
	// fault.
	error_code failure(int result, Socket::wait_type &needs);

	Socket socket_;
	std::unique_ptr<SSL, FreeConnection> tls_; // none: plain
	Socket::wait_type read_needs_ = Socket::wait_read;
	Socket::wait_type write_needs_ = Socket::wait_write;
	bool broken_ = false; // OpenSSL must not be asked again
};

} // namespace tokpay
