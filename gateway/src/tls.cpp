#include "tls.hpp"

#include "settings.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>

namespace tokpay {

namespace asio = boost::asio;

namespace {

// For TLS 1.2; those of 1.3 are all good.
constexpr const char *ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

constexpr unsigned char http_1_1[] = "\x08http/1.1";

// A client that asks for protocols and not for ours is refused (RFC 7301, section 3.2).
int choose_protocol(SSL *, const unsigned char **chosen, unsigned char *chosen_size,
	const unsigned char *offered, unsigned offered_size, void *) {
	unsigned char *found = nullptr;
	if (SSL_select_next_proto(&found, chosen_size, http_1_1, sizeof http_1_1 - 1, offered,
			offered_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*chosen = found;
	return SSL_TLSEXT_ERR_OK;
}

[[noreturn]] void cannot_use(const char *setting, const std::string &path, const char *what) {
	const unsigned long code = ERR_get_error();
	const char *reason = code == 0 ? nullptr : ERR_reason_error_string(code);
	ERR_clear_error();
	throw SettingError(std::string("setting ") + setting + ": " + what + ' ' + path +
					   (reason == nullptr ? "" : std::string(" (") + reason + ')'));
}

TlsContextPtr make_context(const TlsConfig &config) {
	TlsContextPtr context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
	ERR_clear_error();
	if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_cipher_list(context.get(), ciphers) != 1)
		throw std::runtime_error("OpenSSL has no TLS 1.2");
	SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	// Idle connections keep no buffers, and what is to be written may move in memory meanwhile.
	SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
										SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
	if (SSL_CTX_use_certificate_chain_file(context.get(), config.certificate.c_str()) != 1)
		cannot_use("tls-certificate", config.certificate, "there is no certificate in PEM in");
	if (SSL_CTX_use_PrivateKey_file(context.get(), config.key.c_str(), SSL_FILETYPE_PEM) != 1)
		cannot_use("tls-key", config.key, "the certificate's private key, in PEM, is not in");
	return context;
}

int bounded(size_t size) {
	return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

} // namespace

ServerTls::ServerTls(const TlsConfig &config) : config_(config), context_(make_context(config)) {}

void ServerTls::reload() {
	TlsContextPtr context = make_context(config_);
	const std::lock_guard lock(mutex_);
	context_.swap(context);
}

TlsContextPtr ServerTls::context() const {
	const std::lock_guard lock(mutex_);
	return context_;
}

void ClientSocket::FreeConnection::operator()(SSL *connection) const {
	SSL_free(connection);
}

ClientSocket::ClientSocket(Socket socket, const TlsContextPtr &context)
	: socket_(std::move(socket)) {
	error_code ignored;
	socket_.non_blocking(true, ignored);
	if (!context)
		return;
	tls_.reset(SSL_new(context.get()));
	if (!tls_ || SSL_set_fd(tls_.get(), socket_.native_handle()) != 1) { // out of memory
		close();
		return;
	}
	SSL_set_accept_state(tls_.get());
}

ClientSocket::error_code ClientSocket::failure(int result, Socket::wait_type &needs) {
	switch (SSL_get_error(tls_.get(), result)) {
	case SSL_ERROR_WANT_READ:
		needs = Socket::wait_read;
		return asio::error::would_block;
	case SSL_ERROR_WANT_WRITE:
		needs = Socket::wait_write;
		return asio::error::would_block;
	case SSL_ERROR_ZERO_RETURN:
		return asio::error::eof;
	default:
		broken_ = true;
		return asio::error::connection_reset;
	}
}

size_t ClientSocket::read_some(asio::mutable_buffer buffer, error_code &error) {
	if (!tls_)
		return socket_.read_some(buffer, error);
	error = broken_ ? error_code(asio::error::connection_reset) : error_code();
	if (broken_)
		return 0;
	ERR_clear_error(); // the queue is the thread's, not the connection's
	const int size = SSL_read(tls_.get(), buffer.data(), bounded(buffer.size()));
	if (size > 0) {
		read_needs_ = Socket::wait_read;
		return static_cast<size_t>(size);
	}
	error = failure(size, read_needs_);
	return 0;
}

size_t ClientSocket::write_some(asio::const_buffer buffer, error_code &error) {
	if (!tls_)
		return socket_.write_some(buffer, error);
	error = broken_ ? error_code(asio::error::connection_reset) : error_code();
	if (broken_)
		return 0;
	ERR_clear_error();
	const int size = SSL_write(tls_.get(), buffer.data(), bounded(buffer.size()));
	if (size > 0) {
		write_needs_ = Socket::wait_write;
		return static_cast<size_t>(size);
	}
	error = failure(size, write_needs_);
	return 0;
}

void ClientSocket::shutdown_send() {
	if (tls_ && !broken_ && SSL_is_init_finished(tls_.get()) != 0) {
		ERR_clear_error();
		SSL_shutdown(tls_.get()); // does not wait for the client's
		ERR_clear_error();
	}
	error_code ignored;
	socket_.shutdown(Socket::shutdown_send, ignored);
}

void ClientSocket::close() {
	error_code ignored;
	socket_.close(ignored);
}

} // namespace tokpay
