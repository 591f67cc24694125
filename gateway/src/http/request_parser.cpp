#include "http/request_parser.hpp"

#include "text/same_text.hpp"

#include <boost/beast/http/error.hpp>

namespace tokpay {

namespace beast = boost::beast;
namespace http = beast::http;

namespace {

std::string_view view(beast::string_view text) {
	return {text.data(), text.size()};
}

// "http://host/path" as "/path", which a server has to understand (RFC 9112, section 3.2.2).
std::string_view origin_form(std::string_view target) {
	const size_t scheme_end = target.find("://");
	if (target.starts_with('/') || scheme_end == std::string_view::npos)
		return target;
	const size_t path = target.find('/', scheme_end + 3);
	return path == std::string_view::npos ? "/" : target.substr(path);
}

Problem problem_of(const boost::system::error_code &error) {
	if (error == http::error::header_limit)
		return {431, "too_large", "The header has more than 16 KiB."};
	if (error == http::error::body_limit)
		return {413, "too_large", "The body has more than 8 MiB."};
	return {400, "bad_request", "This is not valid HTTP/1.1: " + error.message() + "."};
}

} // namespace

Problem request_timeout() {
	return {408, "request_timeout", "The request took too long to arrive."};
}

RequestParser::RequestParser(HttpRequest &request) : request_(request) {
	header_limit(max_header_bytes);
	body_limit(max_body_bytes);
	request_.headers.clear();
	request_.body = {};
}

size_t RequestParser::read_header(std::string_view bytes) {
	bytes_ = bytes;
	error_code error;
	const size_t used = put({bytes.data(), bytes.size()}, error);
	// Boost has a bound for the first line and one for the rest.
	if (used > max_header_bytes ||
		(error == http::error::need_more && bytes.size() >= max_header_bytes))
		error = http::error::header_limit;
	if (error)
		note(error);
	if (error || !is_header_done())
		return 0;
	in_trailer_ = true;
	request_.keep_alive = keep_alive();
	request_.takes_chunks = http_1_1_;
	return used;
}

std::optional<size_t> RequestParser::body_size() const {
	if (chunked())
		return std::nullopt;
	return static_cast<size_t>(content_length().value_or(0));
}

size_t RequestParser::read_body(std::string_view bytes, std::string &body) {
	// Boost 1.81 asserts that it never sees so little of a last chunk twice.
	if (chunked() && bytes == "0\r\n")
		return 0;
	body_ = &body;
	eager(true);
	error_code error;
	const size_t used = put({bytes.data(), bytes.size()}, error);
	note(error);
	// What is not used begins a line of a chunk or a trailer, which Boost reads as a whole.
	if (!is_done() && bytes.size() - used > max_header_bytes && !problem_)
		problem_ = Problem{400, "bad_request", "A chunk's line or a trailer has more than 16 KiB."};
	return used;
}

// Wanting more is no fault.
void RequestParser::note(const error_code &error) {
	if (error && error != http::error::need_more && !problem_)
		problem_ = problem_of(error);
}

void RequestParser::refuse(const char *detail, error_code &error) {
	problem_ = Problem{400, "bad_request", detail};
	error = http::error::bad_value;
}

void RequestParser::on_request_impl(
	http::verb, text method, text target, int version, error_code &) {
	request_.method = view(method);
	request_.target = origin_form(view(target));
	http_1_1_ = version >= 11;
}

// Whether the value is on several lines (obs-fold; RFC 9112, section 5.2): Boost puts it together
// elsewhere, or where it is because only one of them has something on it.
bool RequestParser::is_folded(text name, text value) const {
	const char *name_end = name.data() + name.size();
	const char *bytes_end = bytes_.data() + bytes_.size();
	if (value.data() < name_end || value.data() > bytes_end)
		return !value.empty();
	return std::string_view(name_end, value.data()).find('\n') != std::string_view::npos;
}

void RequestParser::on_field_impl(field name, text name_text, text value, error_code &error) {
	if (in_trailer_)
		return;
	if (is_folded(name_text, value))
		return refuse("A header's value is on more than one line.", error);
	if (name == field::host)
		hosts_++;
	else if (name == field::content_length &&
			 (std::exchange(has_length_, true) || value.find(',') != text::npos))
		return refuse("There is more than one Content-Length.", error);
	else if (name == field::transfer_encoding && !(http_1_1_ && same_text(view(value), "chunked")))
		return refuse("The only Transfer-Encoding is chunked, in HTTP/1.1.", error);
	else if (name == field::authorization && std::exchange(has_authorization_, true))
		return refuse("There is more than one Authorization.", error);
	else if (name == field::expect && http_1_1_ && same_text(view(value), "100-continue"))
		expects_continue_ = true;
	request_.headers.push_back({view(name_text), view(value)});
}

void RequestParser::on_header_impl(error_code &error) {
	if (http_1_1_ && hosts_ != 1)
		refuse("There has to be one Host header.", error);
}

size_t RequestParser::on_body_impl(text piece, error_code &) {
	body_->append(piece.data(), piece.size());
	return piece.size();
}

size_t RequestParser::on_chunk_body_impl(uint64_t, text piece, error_code &) {
	body_->append(piece.data(), piece.size());
	return piece.size();
}

} // namespace tokpay
