// Values of headers that strangers write: cookies, forwarded addresses, idempotency keys.
#include "fuzz_target.hpp"

#include "body_reader.hpp"
#include "client_address.hpp"
#include "cookie.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string_view text = fuzz::text(data, size);
	if (const auto value = find_cookie(text, "session"))
		fuzz::check(value->find_first_of(";, \"\\") == std::string_view::npos);

	static const auto proxies = TrustedProxies::parse("10.0.0.0/8, ::1");
	const auto peer = boost::asio::ip::make_address("10.0.0.1");
	(void)client_identity(proxies->client(peer, {text, text}));
	if (const auto parsed = TrustedProxies::parse(text))
		(void)parsed->contains(peer);

	HttpRequest request;
	request.headers.push_back({"Idempotency-Key", text});
	if (const auto key = idempotency_key(request))
		fuzz::check(!key->empty() && key->size() <= max_http_key_bytes);
	return 0;
}
