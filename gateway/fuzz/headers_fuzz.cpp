// Values of headers that strangers write: cookies, forwarded addresses, idempotency keys, names of
// requests, codings.
#include "fuzz_target.hpp"

#include "api/body_reader.hpp"
#include "http/client_address.hpp"
#include "http/cookie.hpp"
#include "http/request_trace.hpp"
#include "web/web_files.hpp"

using namespace tokpay;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	const std::string_view text = fuzz::text(data, size);
	if (const auto value = find_cookie(text, "session"))
		fuzz::check(value->find_first_of(";, \"\\") == std::string_view::npos);

	fuzz::check(best_coding(text, {true, false, true}) != Coding::gzip);

	static const auto proxies = TrustedProxies::parse("10.0.0.0/8, ::1");
	const auto peer = boost::asio::ip::make_address("10.0.0.1");
	(void)client_identity(proxies->client(peer, {text, text}));
	if (const auto parsed = TrustedProxies::parse(text))
		(void)parsed->contains(peer);

	HttpRequest request;
	request.headers.push_back({"Idempotency-Key", text});
	if (const auto key = idempotency_key(request))
		fuzz::check(!key->empty() && key->size() <= max_http_key_bytes);

	request.headers = {{"X-Request-Id", text}, {"traceparent", text}};
	const auto trace = read_trace(request);
	fuzz::check(trace->request_id->size() <= max_request_id_bytes);
	fuzz::check(trace->request_id->empty() || text == *trace->request_id);
	fuzz::check(trace->trace_id.empty() || trace->trace_id.size() == 32);
	fuzz::check(trace->trace_id.find_first_not_of("0123456789abcdef") == std::string::npos);
	return 0;
}
