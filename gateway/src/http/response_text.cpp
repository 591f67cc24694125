#include "http/response_text.hpp"

#include <boost/beast/http/status.hpp>

#include <charconv>
#include <ctime>

namespace tokpay {

namespace http = boost::beast::http;

namespace {

void append_number(std::string &out, size_t number, int base = 10) {
	char digits[24];
	out.append(digits, std::to_chars(digits, digits + sizeof digits, number, base).ptr);
}

void append_header(std::string &out, std::string_view name, std::string_view value) {
	out.append(name).append(": ").append(value).append("\r\n");
}

// Made anew every second.
std::string_view date_line() {
	thread_local std::time_t made = 0;
	thread_local char text[50];
	const std::time_t now = std::time(nullptr);
	if (now != made) {
		std::tm utc{};
		gmtime_r(&now, &utc);
		std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
		made = now;
	}
	return text;
}

// Made anew where it is another.
std::string_view epoch_line(const Epoch &epoch) {
	thread_local Epoch made;
	thread_local std::string text;
	if (text.empty() || made != epoch) {
		text = "TokPay-Epoch: " + to_text(epoch) + "\r\n";
		made = epoch;
	}
	return text;
}

void append_status_line(std::string &out, unsigned status) {
	if (status == 200) {
		out.append("HTTP/1.1 200 OK\r\n");
		return;
	}
	const auto reason = http::obsolete_reason(static_cast<http::status>(status));
	out.append("HTTP/1.1 ");
	append_number(out, status);
	out.append(" ").append(reason.data(), reason.size()).append("\r\n");
}

} // namespace

void append_response(std::string &out, const Response &response, std::string_view common_lines,
	std::string_view request_id, const Framing &framing) {
	append_status_line(out, response.status);
	out.append(date_line()).append(common_lines);
	if (response.status != 304 && response.status != 204) {
		append_header(out, "Content-Type", response.content_type);
		if (!response.stream) {
			out.append("Content-Length: ");
			append_number(out, response.body.size());
			out.append("\r\n");
		} else if (framing.takes_chunks) {
			append_header(out, "Transfer-Encoding", "chunked");
		}
	}
	if (response.epoch)
		out.append(epoch_line(*response.epoch));
	bool has_etag = false;
	for (const auto &[name, value] : response.headers) {
		append_header(out, name, value);
		has_etag |= std::string_view(name) == "ETag";
	}
	if (response.cache_control != nullptr)
		append_header(out, "Cache-Control", response.cache_control);
	else
		append_header(out, "Cache-Control", has_etag ? "private, no-cache" : "no-store");
	if (!request_id.empty())
		append_header(out, "X-Request-Id", request_id);
	if (!framing.keep_alive)
		append_header(out, "Connection", "close");
	else if (!framing.takes_chunks) // HTTP/1.0 has to be told
		append_header(out, "Connection", "keep-alive");
	out.append("\r\n");
	if (framing.with_body)
		out.append(response.body);
}

void append_chunk(std::string &out, std::string_view piece) {
	append_number(out, piece.size(), 16);
	out.append("\r\n").append(piece).append("\r\n");
}

} // namespace tokpay
