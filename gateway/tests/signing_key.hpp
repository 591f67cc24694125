// An issuer's key for the tests: makes its JWK and signs tokens, with OpenSSL.
#pragma once

#include "access/base64url.hpp"
#include "access/jwk.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace tokpay {

class SigningKey {
public:
	static SigningKey rsa(int bits = 2048) {
		return SigningKey(EVP_RSA_gen(static_cast<unsigned>(bits)));
	}
	static SigningKey ec(const char *curve = "P-256") { return SigningKey(EVP_EC_gen(curve)); }
	static SigningKey ed25519() {
		return SigningKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
	}

	// The members of the public key's JWK, without braces.
	std::string jwk() const {
		if (EVP_PKEY_is_a(key_.get(), "RSA") != 0)
			return R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" +
				   number(OSSL_PKEY_PARAM_RSA_E) + '"';
		std::string point(200, '\0');
		size_t size = 0;
		EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY,
			reinterpret_cast<unsigned char *>(point.data()), point.size(), &size);
		point.resize(size);
		if (EVP_PKEY_is_a(key_.get(), "ED25519") != 0)
			return R"("kty":"OKP","crv":"Ed25519","x":")" + encode_base64url(point) + '"';
		const size_t half = (size - 1) / 2;
		const char *curve = half == 32 ? "P-256" : half == 48 ? "P-384" : "P-521";
		return std::string(R"("kty":"EC","crv":")") + curve + R"(","x":")" +
			   encode_base64url(point.substr(1, half)) + R"(","y":")" +
			   encode_base64url(point.substr(1 + half)) + '"';
	}

	std::string sign(jose::Algorithm algorithm, const std::string &text) const {
		using jose::Algorithm;
		const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX *)> context(
			EVP_MD_CTX_new(), EVP_MD_CTX_free);
		EVP_PKEY_CTX *parameters = nullptr;
		EVP_DigestSignInit_ex(context.get(), &parameters,
			algorithm == Algorithm::eddsa ? nullptr : "SHA256", nullptr, nullptr, key_.get(),
			nullptr);
		if (algorithm == Algorithm::ps256) {
			EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
			EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
		}
		std::string signature(1024, '\0');
		size_t size = signature.size();
		if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(signature.data()),
				&size, reinterpret_cast<const unsigned char *>(text.data()), text.size()) != 1)
			throw std::runtime_error("cannot sign");
		signature.resize(size);
		return algorithm == Algorithm::es256 ? raw(signature) : signature;
	}

	// A whole token.
	std::string token(
		jose::Algorithm algorithm, const std::string &header, const std::string &claims) const {
		const std::string text = encode_base64url(header) + '.' + encode_base64url(claims);
		return text + '.' + encode_base64url(sign(algorithm, text));
	}

private:
	explicit SigningKey(EVP_PKEY *key) : key_(key, EVP_PKEY_free) {}

	std::string number(const char *name) const {
		BIGNUM *value = nullptr;
		EVP_PKEY_get_bn_param(key_.get(), name, &value);
		std::string octets(static_cast<size_t>(BN_num_bytes(value)), '\0');
		BN_bn2bin(value, reinterpret_cast<unsigned char *>(octets.data()));
		BN_free(value);
		return encode_base64url(octets);
	}

	static std::string raw(const std::string &der) {
		const auto *begin = reinterpret_cast<const unsigned char *>(der.data());
		ECDSA_SIG *pair = d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size()));
		std::string octets(64, '\0');
		auto *out = reinterpret_cast<unsigned char *>(octets.data());
		BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + 32, 32);
		ECDSA_SIG_free(pair);
		return octets;
	}

	std::shared_ptr<EVP_PKEY> key_;
};

} // namespace tokpay
