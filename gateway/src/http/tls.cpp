#include "http/tls.hpp"

#include "process/settings.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace tokpay {

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
	throw SettingError(setting, std::string(what) + ' ' + path +
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

} // namespace tokpay
