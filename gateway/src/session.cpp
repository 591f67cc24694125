#include "session.hpp"

#include "router.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <charconv>
#include <ctime>

namespace tokpay {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr uint32_t max_header_bytes = 16 * 1024;
constexpr uint64_t max_body_bytes = uint64_t{8} * 1024 * 1024;
// A client has so long for a header, from the end of the request before it, and for a body.
constexpr std::chrono::seconds header_timeout{60};
constexpr std::chrono::seconds body_timeout{30};
constexpr std::chrono::seconds write_timeout{30};
// A client that was refused before it had sent everything is read on so far and so long, or it
// would find its connection reset instead of the answer.
constexpr size_t max_discarded_bytes = 32 * 1024 * 1024;
constexpr std::chrono::seconds discard_timeout{5};
constexpr int listen_backlog = 4096;

// The Date header's value, made anew every second.
std::string_view http_date() {
	thread_local std::time_t made = 0;
	thread_local char text[40];
	const std::time_t now = std::time(nullptr);
	if (now != made) {
		std::tm utc{};
		gmtime_r(&now, &utc);
		std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
		made = now;
	}
	return text;
}

void append_header(std::string &out, std::string_view name, std::string_view value) {
	out.append(name).append(": ").append(value).append("\r\n");
}

std::string serialize(const Response &response, bool keep_alive, bool with_body = true) {
	std::string out;
	out.reserve(320 + response.body.size());
	const auto reason = http::obsolete_reason(static_cast<http::status>(response.status));
	out.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
	out.append(reason.data(), reason.size()).append("\r\n");
	append_header(out, "Date", http_date());
	if (response.status != 304) {
		append_header(out, "Content-Type", response.content_type);
		if (!response.stream)
			append_header(out, "Content-Length", std::to_string(response.body.size()));
		else if (keep_alive)
			append_header(out, "Transfer-Encoding", "chunked");
	}
	append_header(out, "X-Content-Type-Options", "nosniff");
	bool has_etag = false;
	for (const auto &[name, value] : response.headers) {
		append_header(out, name, value);
		has_etag |= std::string_view(name) == "ETag";
	}
	append_header(out, "Cache-Control", has_etag ? "private, no-cache" : "no-store");
	if (!keep_alive)
		append_header(out, "Connection", "close");
	out.append("\r\n");
	if (with_body)
		out.append(response.body);
	return out;
}

// What an unreadable request is answered with, or nothing where the client is simply gone.
std::optional<Problem> problem_of(const boost::system::error_code &error) {
	if (error == http::error::header_limit)
		return Problem{431, "too_large", "The header has more than 16 KiB."};
	if (error == http::error::body_limit)
		return Problem{413, "too_large", "The body has more than 8 MiB."};
	if (error == beast::error::timeout)
		return Problem{408, "request_timeout", "The request took too long to arrive."};
	if (error == http::error::end_of_stream || error == http::error::partial_message ||
		error.category() != http::make_error_code(http::error::bad_target).category())
		return std::nullopt;
	return Problem{400, "bad_request", "This is not valid HTTP/1.1: " + error.message() + "."};
}

// Rules of RFC 9112 that Beast leaves to its user: framing that two parties could read differently,
// and the Host header.
std::optional<Problem> framing_problem(const http::request_header<> &header) {
	const auto bad = [](std::string detail) {
		return Problem{400, "bad_request", std::move(detail)};
	};
	const bool chunked = header.count(http::field::transfer_encoding) != 0;
	if (header.count(http::field::content_length) > 1)
		return bad("There is more than one Content-Length.");
	if (chunked && header.count(http::field::content_length) != 0)
		return bad("There is a Content-Length beside a Transfer-Encoding.");
	if (chunked && (header.version() < 11 ||
					   !beast::iequals(header[http::field::transfer_encoding], "chunked")))
		return bad("The only Transfer-Encoding is chunked, in HTTP/1.1.");
	if (header.version() >= 11 && header.count(http::field::host) != 1)
		return bad("There has to be one Host header.");
	return std::nullopt;
}

} // namespace

namespace {

using Message = http::request<http::string_body>;

std::string_view view(boost::core::string_view text) {
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

HttpRequest request_of(const Message &message, const asio::ip::address &peer) {
	HttpRequest request{.method = view(message.method_string()),
		.target = origin_form(view(message.target())),
		.body = message.body(),
		.headers = {},
		.keep_alive = message.keep_alive(),
		.peer = peer};
	for (const auto &field : message)
		request.headers.push_back({view(field.name_string()), view(field.value())});
	return request;
}

} // namespace

class Session {
public:
	Session(Worker &worker, tcp::socket socket) : worker_(worker), stream_(std::move(socket)) {
		worker_.metrics.connections.add();
	}
	~Session() { worker_.metrics.connections.subtract(); }
	Session(const Session &) = delete;
	Session &operator=(const Session &) = delete;

	// Ends the session where it only waits for the next request.
	void close_if_idle() {
		if (idle_)
			stream_.cancel();
	}

	asio::awaitable<void> run() {
		boost::system::error_code ignored;
		peer_ = stream_.socket().remote_endpoint(ignored).address();
		stream_.socket().set_option(tcp::no_delay(true), ignored);
		while (co_await serve_one()) {
		}
		stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
	}

private:
	// Reads one request and answers it; false where the connection is to be closed.
	asio::awaitable<bool> serve_one() {
		http::request_parser<http::string_body> parser;
		parser.header_limit(max_header_bytes);
		parser.body_limit(max_body_bytes);
		const boost::system::error_code error = co_await read(parser);
		std::optional<Problem> problem = error ? problem_of(error) : framing_problem(parser.get());
		if (problem) {
			co_await refuse(*problem);
			co_return false;
		}
		if (error)
			co_return false;
		const Message message = parser.release();
		const HttpRequest request = request_of(message, peer_);
		size_t route = no_route();
		const Response response = co_await answer(worker_, request, route);
		worker_.metrics.responses[route][response.status / 100].add();
		const bool keep_alive = request.keep_alive && !worker_.stopping;
		const bool with_body = request.method != "HEAD";
		const std::string text = serialize(response, keep_alive, with_body);
		bool written = co_await write(text);
		if (written && with_body && response.stream)
			written = co_await stream(response.stream, keep_alive);
		co_return keep_alive ? written : false;
	}

	// A body that is made piece by piece, in chunks where the connection lives on; false where the
	// client is gone.
	asio::awaitable<bool> stream(const BodyStream &make, bool chunked) {
		Chunks chunks(*this, chunked);
		co_await make(chunks);
		if (chunks.broken || !chunked)
			co_return false;
		co_return co_await write("0\r\n\r\n");
	}

	class Chunks : public BodyWriter {
	public:
		Chunks(Session &session, bool chunked) : session_(session), chunked_(chunked) {}

		asio::awaitable<bool> write(std::string_view piece) override {
			if (broken || session_.worker_.stopping)
				co_return false;
			if (piece.empty()) // an empty chunk would end the body
				co_return true;
			const std::string text = chunked_ ? chunk(piece) : std::string(piece);
			const bool written = co_await session_.write(text);
			broken = !written;
			co_return written;
		}

		bool broken = false;

	private:
		static std::string chunk(std::string_view piece) {
			char size[24];
			const auto end = std::to_chars(size, size + sizeof size, piece.size(), 16).ptr;
			std::string text(size, end);
			return text.append("\r\n").append(piece).append("\r\n");
		}

		Session &session_;
		bool chunked_;
	};

	// Reads a header and, where its framing is sound, the body.
	asio::awaitable<boost::system::error_code> read(
		http::request_parser<http::string_body> &parser) {
		stream_.expires_after(header_timeout);
		idle_ = buffer_.size() == 0;
		const auto [header_error, header_size] =
			co_await http::async_read_header(stream_, buffer_, parser, no_throw);
		idle_ = false;
		if (header_error || parser.is_done() || framing_problem(parser.get()))
			co_return header_error;
		if (beast::iequals(parser.get()[http::field::expect], "100-continue"))
			co_await write("HTTP/1.1 100 Continue\r\n\r\n");
		stream_.expires_after(body_timeout);
		const auto [body_error, body_size] =
			co_await http::async_read(stream_, buffer_, parser, no_throw);
		co_return body_error;
	}

	// Answers a request that could not be read, and closes.
	asio::awaitable<void> refuse(const Problem &problem) {
		worker_.metrics.responses[no_route()][problem.status / 100].add();
		const std::string text = serialize(to_response(problem), false);
		const bool written = co_await write(text);
		if (written)
			co_await discard();
	}

	asio::awaitable<void> discard() {
		boost::system::error_code ignored;
		stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
		stream_.expires_after(discard_timeout);
		std::array<char, 16384> bytes;
		for (size_t discarded = 0; discarded < max_discarded_bytes;) {
			const auto [error, size] =
				co_await stream_.async_read_some(asio::buffer(bytes), no_throw);
			if (error)
				co_return;
			discarded += size;
		}
	}

	asio::awaitable<bool> write(std::string_view text) {
		stream_.expires_after(write_timeout);
		const auto [error, size] =
			co_await asio::async_write(stream_, asio::buffer(text), no_throw);
		co_return !error;
	}

	Worker &worker_;
	beast::tcp_stream stream_;
	asio::ip::address peer_;
	beast::flat_buffer buffer_{max_header_bytes + max_body_bytes};
	bool idle_ = false;
};

Listener::Listener(Worker &worker, const Endpoint &endpoint)
	: worker_(worker), acceptor_(worker.io) {
	const tcp::endpoint address(asio::ip::make_address(endpoint.host), endpoint.port);
	using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
	acceptor_.open(address.protocol());
	acceptor_.set_option(tcp::acceptor::reuse_address(true));
	acceptor_.set_option(reuse_port(true));
	acceptor_.bind(address);
	acceptor_.listen(listen_backlog);
}

void Listener::start() {
	asio::co_spawn(worker_.io, accept(), asio::detached);
}

void Listener::stop() {
	boost::system::error_code ignored;
	acceptor_.close(ignored);
	worker_.stopping = true;
	for (Session *session : sessions_)
		session->close_if_idle();
}

asio::awaitable<void> Listener::serve(tcp::socket socket) {
	Session session(worker_, std::move(socket));
	sessions_.insert(&session);
	co_await session.run();
	sessions_.erase(&session);
}

asio::awaitable<void> Listener::accept() {
	for (;;) {
		auto [error, socket] = co_await acceptor_.async_accept(no_throw);
		if (!acceptor_.is_open())
			co_return;
		if (error) {
			// Out of descriptors or memory: let some connections end first.
			asio::steady_timer pause(worker_.io, std::chrono::milliseconds(50));
			co_await pause.async_wait(no_throw);
			continue;
		}
		asio::co_spawn(worker_.io, serve(std::move(socket)), asio::detached);
	}
}

} // namespace tokpay
