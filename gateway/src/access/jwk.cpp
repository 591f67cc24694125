#include "access/jwk.hpp"

#include "access/base64url.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

namespace tokpay::jose {

namespace {

constexpr int min_rsa_bits = 2048; // RFC 7518, section 3.3
constexpr int max_rsa_bits = 8192; // beyond it one check takes milliseconds
constexpr int max_exponent_bits = 64;
constexpr size_t p256_bytes = 32;
constexpr size_t ed25519_bytes = 32;
constexpr size_t max_keys = 100;

constexpr std::pair<std::string_view, Algorithm> algorithm_names[] = {{"RS256", Algorithm::rs256},
	{"PS256", Algorithm::ps256}, {"ES256", Algorithm::es256}, {"EdDSA", Algorithm::eddsa}};

struct Free {
	void operator()(BIGNUM *number) const { BN_free(number); }
	void operator()(OSSL_PARAM_BLD *builder) const { OSSL_PARAM_BLD_free(builder); }
	void operator()(OSSL_PARAM *parameters) const { OSSL_PARAM_free(parameters); }
	void operator()(EVP_PKEY_CTX *context) const { EVP_PKEY_CTX_free(context); }
	void operator()(EVP_MD_CTX *context) const { EVP_MD_CTX_free(context); }
	void operator()(ECDSA_SIG *signature) const { ECDSA_SIG_free(signature); }
};
template<class T> using Owned = std::unique_ptr<T, Free>;
using PKey = std::shared_ptr<EVP_PKEY>;

PKey own(EVP_PKEY *key) {
	return key == nullptr ? nullptr : PKey(key, EVP_PKEY_free);
}

const unsigned char *bytes(std::string_view text) {
	return reinterpret_cast<const unsigned char *>(text.data());
}

Owned<BIGNUM> number(std::string_view octets) {
	return Owned<BIGNUM>(BN_bin2bn(bytes(octets), static_cast<int>(octets.size()), nullptr));
}

// A member that is a string; nothing where it is missing or of another type.
std::optional<std::string_view> string_member(
	const json::Document &document, uint32_t object, std::string_view name) {
	const auto index = document.member(object, name);
	if (!index || document[*index].type != json::Type::string)
		return std::nullopt;
	return document[*index].text;
}

std::optional<std::string> octets_member(
	const json::Document &document, uint32_t object, std::string_view name) {
	const auto text = string_member(document, object, name);
	return text ? decode_base64url(*text) : std::nullopt;
}

PKey key_of(const char *type, const Owned<OSSL_PARAM_BLD> &builder) {
	const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
	const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
	EVP_PKEY *key = nullptr;
	if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
		EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
		return nullptr;
	return own(key);
}

PKey rsa_key(const json::Document &document, uint32_t object) {
	const auto n = octets_member(document, object, "n");
	const auto e = octets_member(document, object, "e");
	if (!n || !e || n->size() > max_rsa_bits / 8 || e->size() > max_exponent_bits / 8)
		return nullptr;
	const auto modulus = number(*n);
	const auto exponent = number(*e);
	if (BN_num_bits(modulus.get()) < min_rsa_bits || BN_is_odd(modulus.get()) == 0 ||
		BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) != 0)
		return nullptr;
	const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
	OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
	OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
	return key_of("RSA", builder);
}

PKey ec_key(const json::Document &document, uint32_t object) {
	const auto x = octets_member(document, object, "x");
	const auto y = octets_member(document, object, "y");
	if (string_member(document, object, "crv") != "P-256" || !x || !y || x->size() != p256_bytes ||
		y->size() != p256_bytes)
		return nullptr;
	const std::string point = '\4' + *x + *y; // uncompressed (SEC 1, section 2.3.3)
	const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
	OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
	OSSL_PARAM_BLD_push_octet_string(
		builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
	PKey key = key_of("EC", builder);
	if (!key)
		return nullptr;
	const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
	return EVP_PKEY_public_check(context.get()) == 1 ? key : nullptr;
}

PKey ed25519_key(const json::Document &document, uint32_t object) {
	const auto x = octets_member(document, object, "x");
	if (string_member(document, object, "crv") != "Ed25519" || !x || x->size() != ed25519_bytes)
		return nullptr;
	return own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(*x), x->size()));
}

// "use" and "key_ops", where they are there, have to allow verifying (RFC 7517, section 4.2
// and 4.3).
bool is_for_signatures(const json::Document &document, uint32_t object) {
	if (document.member(object, "use") && string_member(document, object, "use") != "sig")
		return false;
	const auto operations = document.member(object, "key_ops");
	if (!operations)
		return true;
	bool verifies = false;
	if (document[*operations].type == json::Type::array)
		document.for_each(*operations, [&](uint32_t i) {
			verifies |= document[i].type == json::Type::string && document[i].text == "verify";
		});
	return verifies;
}

// ECDSA's two numbers as OpenSSL wants them; empty where they are not.
std::string der_signature(std::string_view signature) {
	if (signature.size() != 2 * p256_bytes)
		return {};
	const Owned<ECDSA_SIG> pair(ECDSA_SIG_new());
	auto r = number(signature.substr(0, p256_bytes));
	auto s = number(signature.substr(p256_bytes));
	if (ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1)
		return {};
	r.release(); // NOLINT(bugprone-unused-return-value): the pair owns them now
	s.release(); // NOLINT(bugprone-unused-return-value)
	unsigned char *der = nullptr;
	const int size = i2d_ECDSA_SIG(pair.get(), &der);
	if (size <= 0)
		return {};
	std::string text(reinterpret_cast<char *>(der), static_cast<size_t>(size));
	OPENSSL_free(der);
	return text;
}

} // namespace

std::optional<Algorithm> algorithm_of(std::string_view name) {
	for (const auto &[known, algorithm] : algorithm_names)
		if (known == name)
			return algorithm;
	return std::nullopt;
}

std::optional<Key> Key::from_jwk(const json::Document &document, uint32_t object) {
	if (document[object].type != json::Type::object || !is_for_signatures(document, object))
		return std::nullopt;
	Key key;
	const auto type = string_member(document, object, "kty");
	if (type == "RSA") {
		key.key_ = rsa_key(document, object);
		key.algorithms_ = {Algorithm::rs256, Algorithm::ps256};
	} else if (type == "EC") {
		key.key_ = ec_key(document, object);
		key.algorithms_ = {Algorithm::es256};
	} else if (type == "OKP") {
		key.key_ = ed25519_key(document, object);
		key.algorithms_ = {Algorithm::eddsa};
	}
	ERR_clear_error(); // of a key that OpenSSL refused
	if (!key.key_)
		return std::nullopt;
	if (const auto name = document.member(object, "alg")) {
		const auto only = algorithm_of(document[*name].text);
		if (!only || !key.suits(*only))
			return std::nullopt;
		key.algorithms_.assign(1, *only);
	}
	key.id_ = string_member(document, object, "kid");
	return key;
}

bool Key::suits(Algorithm algorithm) const {
	return std::ranges::find(algorithms_, algorithm) != algorithms_.end();
}

bool Key::verifies(
	Algorithm algorithm, std::string_view message, std::string_view signature) const {
	if (!suits(algorithm))
		return false;
	const std::string der = algorithm == Algorithm::es256 ? der_signature(signature) : "";
	if (algorithm == Algorithm::es256)
		signature = der;
	const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
	EVP_PKEY_CTX *parameters = nullptr; // the context's
	bool ok = EVP_DigestVerifyInit_ex(context.get(), &parameters,
				  algorithm == Algorithm::eddsa ? nullptr : "SHA256", nullptr, nullptr, key_.get(),
				  nullptr) == 1;
	if (ok && algorithm == Algorithm::ps256) // RFC 7518, section 3.5
		ok = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
			 EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
	ok = ok && EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(message),
				   message.size()) == 1;
	ERR_clear_error(); // TLS on this thread must not find it
	return ok;
}

std::optional<KeySet> KeySet::parse(std::string_view text, std::string *why) {
	const auto document = json::Document::parse(text, why);
	if (!document)
		return std::nullopt;
	const auto keys =
		(*document)[0].type == json::Type::object ? document->member(0, "keys") : std::nullopt;
	if (!keys || (*document)[*keys].type != json::Type::array) {
		*why = "it has no array \"keys\"";
		return std::nullopt;
	}
	KeySet set;
	size_t count = 0;
	document->for_each(*keys, [&](uint32_t i) {
		if (++count > max_keys)
			return;
		if (auto key = Key::from_jwk(*document, i))
			set.keys_.push_back(std::move(*key));
	});
	if (count > max_keys) {
		*why = "it has more than " + std::to_string(max_keys) + " keys";
		return std::nullopt;
	}
	return set;
}

const Key *KeySet::find(Algorithm algorithm, const std::optional<std::string> &id) const {
	const Key *found = nullptr;
	for (const Key &key : keys_) {
		if (!key.suits(algorithm) || (id && key.id() != id))
			continue;
		if (found != nullptr)
			return nullptr;
		found = &key;
	}
	return found;
}

} // namespace tokpay::jose
