// Heads and bodies of requests: however the bytes arrive, the same request or the same refusal
// comes out, and every view is of the bytes that were given.
#include "fuzz_target.hpp"

#include "http/request_parser.hpp"

#include <algorithm>
#include <memory>

using namespace tokpay;

namespace {

bool is_within(std::string_view part, std::string_view whole) {
	return part.empty() || (part.data() >= whole.data() &&
							   part.data() + part.size() <= whole.data() + whole.size());
}

// The whole message from a buffer that ends where it ends; the body.
std::string read(std::string_view bytes, size_t piece, bool *refused) {
	HttpRequest request;
	RequestParser parser(request);
	const size_t header_size = parser.read_header(bytes);
	*refused = parser.problem().has_value();
	if (*refused || header_size == 0)
		return "";
	fuzz::check(header_size <= bytes.size());
	fuzz::check(is_within(request.method, bytes));
	fuzz::check(request.target == "/" || is_within(request.target, bytes));
	for (const HttpHeader &header : request.headers)
		fuzz::check(is_within(header.name, bytes) && is_within(header.value, bytes));
	fuzz::check(request.count("Transfer-Encoding") == 0 || request.count("Content-Length") == 0);
	std::string body;
	std::string_view rest = bytes.substr(header_size);
	std::string unread; // what the parser left of a piece comes again with the next
	while (!parser.is_done() && !rest.empty() && !parser.problem()) {
		unread.append(rest.substr(0, piece));
		rest.remove_prefix(std::min(piece, rest.size()));
		const size_t used = parser.read_body(unread, body);
		fuzz::check(used <= unread.size());
		unread.erase(0, used);
	}
	*refused = parser.problem().has_value();
	return body;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	// On the heap, so that a read beyond the end is seen.
	const std::unique_ptr<char[]> copy(new char[size]);
	std::copy_n(data, size, copy.get());
	const std::string_view bytes(copy.get(), size);
	bool whole_refused = false;
	bool pieces_refused = false;
	const std::string whole = read(bytes, size, &whole_refused);
	const std::string pieces = read(bytes, 3, &pieces_refused);
	fuzz::check(whole_refused == pieces_refused && (whole_refused || whole == pieces));
	return 0;
}
