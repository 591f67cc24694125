// Answers in HTTP/1.1 (RFC 9112) as a server under measurement gives them: with a Content-Length.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace tokpay::bench {

struct Reply {
	unsigned status = 0;
	std::string_view body;
	size_t size = 0; // of head and body
};

// The answer that text begins with; nothing where not all of it is there yet. Throws
// std::runtime_error on anything that is not such an answer.
std::optional<Reply> read_reply(std::string_view text);

} // namespace tokpay::bench
