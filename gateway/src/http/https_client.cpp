#include "http/https_client.hpp"

#include "process/settings.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

namespace tokpay {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds timeout{5};
constexpr uint64_t max_body_bytes = uint64_t{1024} * 1024;
constexpr uint32_t max_header_bytes = 16 * 1024;

using Fetched = std::optional<std::string>;

// Sends the request and reads the answer over a stream that is connected.
template<class Stream>
asio::awaitable<Fetched> exchange(
	Stream &stream, const WebAddress &address, const WebRequest &wanted, std::string *why) {
	const auto method = wanted.form.empty() ? http::verb::get : http::verb::post;
	http::request<http::string_body> request(method, address.target, 11);
	request.set(http::field::host, wanted.host.empty() ? address.host_header() : wanted.host);
	request.set(http::field::accept, "application/json");
	request.set(http::field::user_agent, "tokpay-gateway");
	request.set(http::field::connection, "close");
	if (!wanted.authorization.empty())
		request.set(http::field::authorization, wanted.authorization);
	if (!wanted.form.empty()) {
		request.set(http::field::content_type, "application/x-www-form-urlencoded");
		request.body() = wanted.form;
		request.prepare_payload();
	}
	const auto [write_error, sent] = co_await http::async_write(stream, request, no_throw);
	if (write_error) {
		*why = write_error.message();
		co_return std::nullopt;
	}
	beast::flat_buffer buffer;
	http::response_parser<http::string_body> parser;
	parser.header_limit(max_header_bytes);
	parser.body_limit(max_body_bytes);
	const auto [read_error, received] = co_await http::async_read(stream, buffer, parser, no_throw);
	if (read_error) {
		*why = read_error.message();
		co_return std::nullopt;
	}
	if (parser.get().result() != http::status::ok) {
		*why = "it answered " + std::to_string(parser.get().result_int());
		co_return std::nullopt;
	}
	co_return std::move(parser.get().body());
}

} // namespace

ssl::context client_tls(const ClientTlsFiles &files, const std::string &subject) {
	ssl::context tls(ssl::context::tls_client);
	SSL_CTX_set_min_proto_version(tls.native_handle(), TLS1_2_VERSION);
	tls.set_verify_mode(ssl::verify_peer);
	const auto check = [&](const boost::system::error_code &error, const char *setting,
						   const char *what, const std::string &file) {
		if (error)
			throw SettingError(subject + setting, std::string("there is no ") + what +
													  " in PEM in " + file + " (" +
													  error.message() + ')');
	};
	boost::system::error_code error;
	if (files.authorities.empty()) {
		tls.set_default_verify_paths(error);
	} else {
		tls.load_verify_file(files.authorities, error);
		check(error, "-authorities", "certificate", files.authorities);
	}
	if (!files.certificate.empty()) {
		tls.use_certificate_chain_file(files.certificate, error);
		check(error, "-certificate", "certificate", files.certificate);
		tls.use_private_key_file(files.key, ssl::context::pem, error);
		check(error, "-key", "private key", files.key);
	}
	return tls;
}

asio::awaitable<Fetched> fetch(
	const WebAddress &address, ssl::context &tls, std::string *why, const WebRequest &request) {
	if (!address.tls && !address.is_loopback()) {
		*why = "it is not https";
		co_return std::nullopt;
	}
	tcp::resolver resolver(co_await asio::this_coro::executor);
	const std::string port = std::to_string(address.port);
	const auto [resolve_error, endpoints] =
		co_await resolver.async_resolve(address.host, port, no_throw);
	if (resolve_error) {
		*why = resolve_error.message();
		co_return std::nullopt;
	}
	beast::ssl_stream<beast::tcp_stream> stream(co_await asio::this_coro::executor, tls);
	beast::tcp_stream &socket = beast::get_lowest_layer(stream);
	socket.expires_after(timeout); // and nowhere renewed
	const auto [connect_error, endpoint] = co_await socket.async_connect(endpoints, no_throw);
	if (connect_error) {
		*why = connect_error.message();
		co_return std::nullopt;
	}
	if (!address.tls)
		co_return co_await exchange(socket, address, request, why);

	SSL_set_tlsext_host_name(stream.native_handle(), address.host.c_str());
	stream.set_verify_callback(ssl::host_name_verification(address.host));
	const auto [tls_error] = co_await stream.async_handshake(ssl::stream_base::client, no_throw);
	if (tls_error) {
		*why = tls_error.message();
		co_return std::nullopt;
	}
	co_return co_await exchange(stream, address, request, why);
}

} // namespace tokpay
