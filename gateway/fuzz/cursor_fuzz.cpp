// Targets with query strings: pages and cursors.
#include "fuzz_target.hpp"

#include "exchange.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string target = "/v1/accounts?" + std::string(fuzz::text(data, size));
	HttpRequest request;
	request.target = target;
	const auto given = parameters(request, {"limit", "cursor", "name", "from", "to"});
	if (!given)
		return 0;
	const auto wanted = page(*given);
	fuzz::check(!wanted || (wanted->limit >= 1 && wanted->limit <= 1000));
	return 0;
}
