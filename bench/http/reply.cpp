#include "reply.hpp"

#include <strings.h>

#include <charconv>
#include <cstring>
#include <stdexcept>
#include <string>

namespace tokpay::bench {

namespace {

constexpr std::string_view version = "HTTP/1.1 ";
constexpr std::string_view length_name = "content-length:";

bool begins_with_name(std::string_view line, std::string_view name) {
	return line.size() >= name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0;
}

size_t number(std::string_view text) {
	size_t value = 0;
	const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
	if (error != std::errc() || end != text.data() + text.size())
		throw std::runtime_error("not a number in the head of an answer: " + std::string(text));
	return value;
}

} // namespace

std::optional<Reply> read_reply(std::string_view text) {
	if (text.size() < version.size() + 3)
		return std::nullopt;
	if (!text.starts_with(version))
		throw std::runtime_error("not an answer in HTTP/1.1: " + std::string(text.substr(0, 80)));
	Reply reply{.status = static_cast<unsigned>(number(text.substr(version.size(), 3)))};

	std::optional<size_t> length;
	for (size_t begin = 0;;) {
		const void *end = std::memchr(text.data() + begin, '\n', text.size() - begin);
		if (end == nullptr)
			return std::nullopt;
		const size_t next = static_cast<size_t>(static_cast<const char *>(end) - text.data()) + 1;
		if (next - begin == 2) { // "\r\n": the head is at its end
			if (!length)
				throw std::runtime_error("an answer has no Content-Length");
			reply.size = next + *length;
			reply.body = text.substr(next, *length);
			return reply.size <= text.size() ? std::optional(reply) : std::nullopt;
		}
		if (const std::string_view line = text.substr(begin, next - begin - 2);
			begins_with_name(line, length_name)) {
			const size_t value = line.find_first_not_of(' ', length_name.size());
			length = number(value == std::string_view::npos ? "" : line.substr(value));
		}
		begin = next;
	}
}

} // namespace tokpay::bench
