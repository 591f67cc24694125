// What a client calls its request, so that its log and ours can be put together.
#pragma once

#include "http/http.hpp"

#include <memory>

namespace tokpay {

constexpr size_t max_request_id_bytes = 128;

struct RequestTrace {
	// X-Request-Id; nothing where none was sent, empty where it is not one to repeat.
	std::optional<std::string> request_id;
	std::string trace_id; // of traceparent, 32 hex digits; empty where there is none
};

// Null where the request has neither header. One that comes twice is as one that is malformed.
std::unique_ptr<RequestTrace> read_trace(const HttpRequest &request);

// Whether a client's id may stand in an answer and in the log: 1 to 128 letters, digits and
// characters of -_=+/: that are no API key. No access token and no e-mail address is one.
bool is_harmless_id(std::string_view text);

// The trace id of a traceparent, part of the text (W3C Trace Context, section 3.2); empty where it
// is malformed.
std::string_view trace_id_of(std::string_view traceparent);

} // namespace tokpay
