#include "http/request_trace.hpp"

#include "text/same_text.hpp"

#include <algorithm>

namespace tokpay {

namespace {

constexpr std::string_view id_header = "X-Request-Id";
constexpr std::string_view trace_header = "traceparent";
constexpr std::string_view api_key_prefix = "tokpay_";
// "00-" and 32 hex digits, "-" and 16, "-" and 2; a later version may go on with "-".
constexpr size_t traceparent_bytes = 55;

bool is_letter_or_digit(char c) {
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_lower_hex(std::string_view text) {
	return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_all_zeros(std::string_view text) {
	return text.find_first_not_of('0') == std::string_view::npos;
}

} // namespace

std::unique_ptr<RequestTrace> read_trace(const HttpRequest &request) {
	std::unique_ptr<RequestTrace> trace;
	bool has_traceparent = false;
	for (const HttpHeader &header : request.headers) {
		const bool is_id = same_text(header.name, id_header);
		if (!is_id && !same_text(header.name, trace_header))
			continue;
		if (trace == nullptr)
			trace = std::make_unique<RequestTrace>();
		if (is_id) {
			const bool fits = !trace->request_id && is_harmless_id(header.value);
			trace->request_id = fits ? header.value : std::string_view();
		} else {
			trace->trace_id = has_traceparent ? std::string_view() : trace_id_of(header.value);
			has_traceparent = true;
		}
	}
	return trace;
}

bool is_harmless_id(std::string_view text) {
	return !text.empty() && text.size() <= max_request_id_bytes &&
		   std::ranges::all_of(text,
			   [](char c) {
				   return is_letter_or_digit(c) ||
						  std::string_view("-_=+/:").find(c) != std::string_view::npos;
			   }) &&
		   text.find(api_key_prefix) == std::string_view::npos;
}

std::string_view trace_id_of(std::string_view traceparent) {
	if (traceparent.size() < traceparent_bytes)
		return {};
	const std::string_view version = traceparent.substr(0, 2);
	const std::string_view trace_id = traceparent.substr(3, 32);
	const std::string_view parent_id = traceparent.substr(36, 16);
	const std::string_view flags = traceparent.substr(53, 2);
	const std::string_view rest = traceparent.substr(traceparent_bytes);
	if (traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-')
		return {};
	for (const std::string_view part : {version, trace_id, parent_id, flags})
		if (!is_lower_hex(part))
			return {};
	if (version == "ff" || is_all_zeros(trace_id) || is_all_zeros(parent_id))
		return {};
	if (!rest.empty() && (version == "00" || rest.front() != '-'))
		return {};
	return trace_id;
}

} // namespace tokpay
