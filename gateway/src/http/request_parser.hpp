// Reads one request at a time out of a connection's bytes, without copying what it finds.
#pragma once

#include "http/http.hpp"

#include <boost/beast/http/basic_parser.hpp>

namespace tokpay {

constexpr uint32_t max_header_bytes = 16 * 1024;
constexpr uint64_t max_body_bytes = uint64_t{8} * 1024 * 1024;

// Of one request: its views are of the bytes that read_header was given. Framing that two parties
// could read differently is refused (RFC 9112).
class RequestParser : private boost::beast::http::basic_parser<true> {
public:
	// Fills request, whose memory is used again.
	explicit RequestParser(HttpRequest &request);

	// The size of the header, or 0 where bytes does not hold all of it: a new parser then begins
	// again once there are more. A header that is not valid sets problem().
	size_t read_header(std::string_view bytes);

	// After the header: the size of a body that is not chunked.
	std::optional<size_t> body_size() const;
	bool expects_continue() const { return expects_continue_; }

	// Appends what bytes holds of the body, at least one of them; how many bytes it used: those
	// that it left come again with what follows.
	size_t read_body(std::string_view bytes, std::string &body);
	using basic_parser::is_done;

	const std::optional<Problem> &problem() const { return problem_; }

private:
	using error_code = boost::beast::error_code;
	using field = boost::beast::http::field;
	using text = boost::beast::string_view;

	void refuse(const char *detail, error_code &error);
	bool is_folded(text name, text value) const;
	void note(const error_code &error);

	void on_request_impl(boost::beast::http::verb verb, text method, text target, int version,
		error_code &error) override;
	void on_response_impl(int, text, int, error_code &) override {}
	void on_field_impl(field name, text name_text, text value, error_code &error) override;
	void on_header_impl(error_code &error) override;
	void on_body_init_impl(const boost::optional<uint64_t> &, error_code &) override {}
	size_t on_body_impl(text piece, error_code &error) override;
	void on_chunk_header_impl(uint64_t, text, error_code &) override {}
	size_t on_chunk_body_impl(uint64_t, text piece, error_code &error) override;
	void on_finish_impl(error_code &) override {}

	HttpRequest &request_;
	std::string_view bytes_;
	std::string *body_ = nullptr;
	std::optional<Problem> problem_;
	int hosts_ = 0;
	bool has_length_ = false;
	bool has_authorization_ = false;
	bool http_1_1_ = false;
	bool in_trailer_ = false;
	bool expects_continue_ = false;
};

// The answer to a request that took too long to arrive.
Problem request_timeout();

} // namespace tokpay
