// Addresses on the web, as an issuer's documents name them.
#include "fuzz_target.hpp"

#include "http/web_address.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const auto address = parse_web_address(fuzz::text(data, size));
	if (!address)
		return 0;
	fuzz::check(!address->host.empty() && address->port != 0 && address->target.starts_with('/'));
	for (const std::string *part : {&address->host, &address->target})
		fuzz::check(part->find_first_of("\r\n ") == std::string::npos);
	(void)address->is_loopback();
	(void)address->host_header();
	return 0;
}
