// Requests as handlers see them, responses and problems as they make them (RFC 9457).
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokpay {

using HttpRequest = boost::beast::http::request<boost::beast::http::string_body>;

struct Response {
	unsigned status = 200;
	std::string body;
	const char *content_type = "application/json";
	std::vector<std::pair<const char *, std::string>> headers = {};
};

// A member of the request that is wrong, as a JSON pointer (RFC 6901).
struct FieldError {
	std::string pointer;
	std::string detail;
};

// Why a request was not done. code is the interface's; the optional members tell of a refusal.
struct Problem {
	unsigned status;
	const char *code;
	std::string detail;
	std::vector<FieldError> errors = {};
	std::optional<int64_t> account = {};
	std::optional<int64_t> balance = {};
	std::optional<int64_t> required = {};
	std::vector<std::pair<const char *, std::string>> headers = {};
};

template<class T> using Result = boost::system::result<T, Problem>;

// boost::system::result wants to know what value() throws; the gateway never calls it unchecked.
[[noreturn]] void throw_exception_from_error(
	const Problem &problem, const boost::source_location &);

Response to_response(const Problem &problem);

// The problems that more than one place answers with.
Problem invalid_request(std::vector<FieldError> errors);
Problem not_found(std::string detail);
Problem overloaded();
Problem outcome_unknown();
Problem internal_error();

// What an error of the database means to the client, by its SQLSTATE.
Problem database_problem(const std::string &sqlstate, const std::string &detail);

// What a refusal of the ledger means to the client, by its code in transfer_outcome.
Problem refusal_problem(std::string_view code, std::string detail);

} // namespace tokpay
