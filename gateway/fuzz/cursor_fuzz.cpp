// Targets with query strings: pages, cursors, numbers and times.
#include "fuzz_target.hpp"

#include "api/page.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string target = "/v1/accounts?" + std::string(fuzz::text(data, size));
	HttpRequest request;
	request.target = target;
	auto given = parameters(request, {"limit", "cursor", "name", "from", "to", "min_amount"});
	if (!given)
		return 0;
	(void)time_parameter(*given, "from");
	(void)amount_parameter(*given, "min_amount");
	const auto name = text_parameter(*given, "name", 255);
	fuzz::check(!name || !*name || (*name)->size() <= 255);
	const auto wanted = page(request, *given);
	if (!wanted)
		return 0;
	fuzz::check(wanted->limit >= 1 && wanted->limit <= 1000);
	// The list takes its own cursors back.
	(*given)["cursor"] = cursor(*wanted, 7);
	const auto next = page(request, *given);
	fuzz::check(next && next->after == 7 && next->list == wanted->list);
	return 0;
}
