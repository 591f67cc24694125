// Key sets of an issuer, and signatures that nobody made.
#include "fuzz_target.hpp"

#include "access/jwk.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string_view text = fuzz::text(data, size);
	std::string why;
	const auto set = jose::KeySet::parse(text, &why);
	if (!set)
		return 0;
	using jose::Algorithm;
	for (const Algorithm algorithm :
		{Algorithm::rs256, Algorithm::ps256, Algorithm::es256, Algorithm::eddsa})
		if (const jose::Key *key = set->find(algorithm, std::nullopt)) {
			fuzz::check(key->suits(algorithm));
			(void)key->verifies(algorithm, "header.payload", text.substr(0, 64));
		}
	return 0;
}
