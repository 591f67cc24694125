// TLS of the API's port: certificate and key.
#pragma once

#include "process/config.hpp"

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

} // namespace tokpay
