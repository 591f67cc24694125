// Responses as the bytes that go over the wire.
#pragma once

#include "http/http.hpp"

namespace tokpay {

// How a response is sent.
struct Framing {
	bool keep_alive;   // the connection
	bool takes_chunks; // HTTP/1.1; without them a stream ends with the connection
	bool with_body;
};

// Appends status line, header, of which some lines are always the same, and body. A response with a
// stream ends with its header. Without a request_id it carries none.
void append_response(std::string &out, const Response &response, std::string_view common_lines,
	std::string_view request_id, const Framing &framing);

// Appends one chunk of a chunked body; no piece is empty.
void append_chunk(std::string &out, std::string_view piece);

constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view continue_response = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace tokpay
