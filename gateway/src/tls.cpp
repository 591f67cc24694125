#include "tls.hpp"

#include "settings.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tokpay {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds handshake_timeout{10};
constexpr std::chrono::seconds shutdown_timeout{1};

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
	auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
	SSL_CTX *handle = context->native_handle();
	ERR_clear_error();
	SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(handle, ciphers);
	SSL_CTX_set_options(handle, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS); // idle connections keep none
	SSL_CTX_set_alpn_select_cb(handle, choose_protocol, nullptr);
	if (SSL_CTX_use_certificate_chain_file(handle, config.certificate.c_str()) != 1)
		cannot_use("tls-certificate", config.certificate, "there is no certificate in PEM in");
	if (SSL_CTX_use_PrivateKey_file(handle, config.key.c_str(), SSL_FILETYPE_PEM) != 1)
		cannot_use("tls-key", config.key, "the certificate's private key, in PEM, is not in");
	return context;
}

} // namespace

ServerTls::ServerTls(const TlsConfig &config) : config_(config), context_(make_context(config)) {}

void ServerTls::reload() {
	context_.store(make_context(config_));
}

ClientStream::ClientStream(tcp::socket socket, TlsContextPtr context)
	: tcp_(std::move(socket)), context_(std::move(context)) {
	if (context_)
		tls_.emplace(tcp_, *context_);
}

asio::awaitable<bool> ClientStream::handshake() {
	if (!tls_)
		co_return true;
	tcp_.expires_after(handshake_timeout);
	const auto [error] = co_await tls_->async_handshake(ssl::stream_base::server, no_throw);
	ERR_clear_error(); // the queue is the thread's, not the connection's
	co_return !error;
}

asio::awaitable<void> ClientStream::shutdown_send() {
	boost::system::error_code ignored;
	if (tls_) {
		// Sends our close_notify and would wait for the client's; a moment is enough.
		tcp_.expires_after(shutdown_timeout);
		co_await tls_->async_shutdown(no_throw);
		ERR_clear_error();
	}
	tcp_.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

std::string security_headers(const Config &config) {
	std::string lines = "X-Content-Type-Options: nosniff\r\n"
						"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
						"Referrer-Policy: no-referrer\r\n"
						"X-Frame-Options: DENY\r\n";
	if (config.public_url.starts_with("https://"))
		lines += "Strict-Transport-Security: max-age=63072000; includeSubDomains\r\n";
	return lines;
}

} // namespace tokpay
