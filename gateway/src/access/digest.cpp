#include "access/digest.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace tokpay {

namespace {

struct FreeContext {
	void operator()(EVP_MD_CTX *context) const { EVP_MD_CTX_free(context); }
};

} // namespace

Digest sha256(std::string_view text) {
	// OpenSSL 3's SHA256() looks the algorithm up at every call, which takes longer than the
	// digest.
	static const EVP_MD *const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
	thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
	Digest digest;
	if (EVP_DigestInit_ex2(context.get(), algorithm, nullptr) != 1 ||
		EVP_DigestUpdate(context.get(), text.data(), text.size()) != 1 ||
		EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1)
		throw std::runtime_error("OpenSSL has no SHA-256");
	return digest;
}

bool same(const Digest &a, const Digest &b) {
	return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool same(std::string_view a, std::string_view b) {
	return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace tokpay
