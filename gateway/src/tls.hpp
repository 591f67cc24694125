// TLS of the API's port, and a client's connection with it or without.
#pragma once

#include "config.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <atomic>
#include <memory>
#include <optional>

namespace tokpay {

using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

// The certificate and key of the port: TLS 1.2 or newer, HTTP/1.1 in ALPN, forward secrecy.
// Thread-safe. Throws SettingError, with what to do, where the files cannot be used.
class ServerTls {
public:
	explicit ServerTls(const TlsConfig &config);

	// Reads the files again. Connections go on with what they began with; where it throws,
	// everything stays as it was.
	void reload();

	// For one new connection.
	TlsContextPtr context() const { return context_.load(); }

private:
	TlsConfig config_;
	std::atomic<TlsContextPtr> context_;
};

// What a session reads and writes: an AsyncStream with Beast's time-outs. The executor is the
// socket's; not thread-safe.
class ClientStream {
public:
	using executor_type = boost::beast::tcp_stream::executor_type;

	// Without a context it is the socket as it is.
	ClientStream(boost::asio::ip::tcp::socket socket, TlsContextPtr context);

	bool is_tls() const { return tls_.has_value(); }
	executor_type get_executor() { return tcp_.get_executor(); }
	boost::asio::ip::tcp::socket &socket() { return tcp_.socket(); }
	void cancel() { tcp_.cancel(); }
	template<class Duration> void expires_after(Duration time) { tcp_.expires_after(time); }

	template<class Buffers, class Token>
	auto async_read_some(const Buffers &buffers, Token &&token) {
		return tls_ ? tls_->async_read_some(buffers, std::forward<Token>(token))
					: tcp_.async_read_some(buffers, std::forward<Token>(token));
	}
	template<class Buffers, class Token>
	auto async_write_some(const Buffers &buffers, Token &&token) {
		return tls_ ? tls_->async_write_some(buffers, std::forward<Token>(token))
					: tcp_.async_write_some(buffers, std::forward<Token>(token));
	}

	// Before anything is read. False where the client cannot agree with us, or takes longer than
	// ten seconds; without TLS it is true at once.
	boost::asio::awaitable<bool> handshake();

	// Nothing more will be written. With TLS the client is told, so that it can tell the end from a
	// cut.
	boost::asio::awaitable<void> shutdown_send();

private:
	boost::beast::tcp_stream tcp_;
	TlsContextPtr context_;
	std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream &>> tls_;
};

// The header lines that every answer has, with line ends. A browser is told to keep to HTTPS where
// the world reaches us over it.
std::string security_headers(const Config &config);

} // namespace tokpay
