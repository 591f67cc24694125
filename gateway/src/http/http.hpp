// Requests as handlers see them, responses and problems as they make them (RFC 9457).
#pragma once

#include "ledger/epoch.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tokpay {

struct HttpHeader {
	std::string_view name;
	std::string_view value;
};

// A request. Its texts are the connection's: they live until the request is answered.
struct HttpRequest {
	std::string_view method;
	std::string_view target; // in origin form: path and query string
	std::string_view body;
	std::vector<HttpHeader> headers;
	bool keep_alive = true;
	bool takes_chunks = true;			// HTTP/1.1
	boost::asio::ip::address peer = {}; // the other end of the connection, which may be a proxy

	// The value of a header, the first where it comes more than once; nothing where it is missing.
	std::optional<std::string_view> header(std::string_view name) const;

	// How often a header comes.
	size_t count(std::string_view name) const;
};

// Takes a body that is made piece by piece.
class BodyWriter {
public:
	// Sends a piece, waiting for a client that is slow to read. False where the client is gone.
	virtual boost::asio::awaitable<bool> write(std::string_view piece) = 0;

protected:
	~BodyWriter() = default;
};

// Writes a body and returns. Once the client is gone write() says false, and a wait that is under
// way in the coroutine is cancelled (it ends with an error code; nothing is thrown).
using BodyStream = std::function<boost::asio::awaitable<void>(BodyWriter &)>;

struct Response {
	unsigned status = 200;
	std::string body;
	const char *content_type = "application/json";
	const char *cache_control = nullptr; // none: by whether there is an ETag
	std::vector<std::pair<const char *, std::string>> headers = {};
	BodyStream stream = {};			 // where it is set, it makes the body
	const char *code = "ok";		 // of the problem it tells of
	std::optional<Epoch> epoch = {}; // of the data it tells of
	bool is_page = false;			 // of the web app, which needs more than the API does
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
	std::optional<int64_t> available = {};
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
Problem not_leader();
Problem outcome_unknown();
Problem internal_error();

// What an error of the database means to the client, by its SQLSTATE.
Problem database_problem(const std::string &sqlstate, const std::string &detail);

// What a refusal of the ledger means to the client, by its code in transfer_outcome.
Problem refusal_problem(std::string_view code, std::string detail);

} // namespace tokpay
