// Public keys of an issuer as JSON Web Keys (RFC 7517, RFC 7518, RFC 8037), and what they verify.
#pragma once

#include "text/json_reader.hpp"

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay::jose {

// The signatures that are believed. "none" and those with a shared secret are not among them.
enum class Algorithm : uint8_t { rs256, ps256, es256, eddsa };

// By its name in "alg"; nothing for any other.
std::optional<Algorithm> algorithm_of(std::string_view name);

// Not thread-safe, like what OpenSSL makes of it; cheap to copy.
class Key {
public:
	// RSA of 2048 to 8192 bits, EC on P-256, OKP on Ed25519. Nothing for another key, for one that
	// is not for signatures, and for one that is no point of its curve.
	static std::optional<Key> from_jwk(const json::Document &document, uint32_t object);

	// Whether the key is of the algorithm's kind and made for no other.
	bool suits(Algorithm algorithm) const;

	// The signature as JOSE has it: of ES256 the two numbers one after the other.
	bool verifies(Algorithm algorithm, std::string_view message, std::string_view signature) const;

	const std::optional<std::string> &id() const { return id_; }

private:
	std::shared_ptr<EVP_PKEY> key_;
	std::optional<std::string> id_; // kid
	std::vector<Algorithm> algorithms_;
};

class KeySet {
public:
	// A JWK set; keys that Key::from_jwk does not take are left out (RFC 7517, section 5). Nothing,
	// and why, where it is no set or has more than 100 keys.
	static std::optional<KeySet> parse(std::string_view text, std::string *why);

	// The key with that id that suits the algorithm; without an id the only one that suits.
	const Key *find(Algorithm algorithm, const std::optional<std::string> &id) const;

	size_t size() const { return keys_.size(); }

private:
	std::vector<Key> keys_;
};

} // namespace tokpay::jose
