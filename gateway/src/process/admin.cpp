#include "process/admin.hpp"

#include "api/router.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace tokpay {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::seconds client_timeout{10};
constexpr std::chrono::seconds ask_interval{1};
constexpr std::chrono::seconds ask_timeout{2};
constexpr std::chrono::seconds longest_silence{4}; // as of a leader (leader.hpp)
constexpr std::chrono::milliseconds accept_pause{50};
constexpr const char *metrics_type = "text/plain; version=0.0.4";

} // namespace

Admin::Admin(Worker &worker, const Leadership &leadership, std::vector<const Metrics *> metrics,
	const Endpoint &endpoint)
	: worker_(worker), leadership_(leadership), metrics_(std::move(metrics)),
	  acceptor_(worker.io, tcp::endpoint(asio::ip::make_address(endpoint.host), endpoint.port)) {}

void Admin::start() {
	asio::co_spawn(worker_.io, accept(), asio::detached);
	asio::co_spawn(worker_.io, ask_for_credentials(), asio::detached);
}

asio::awaitable<void> Admin::accept() {
	for (;;) {
		auto [error, socket] = co_await acceptor_.async_accept(no_throw);
		if (error) { // out of descriptors or memory
			asio::steady_timer pause(worker_.io, accept_pause);
			co_await pause.async_wait(no_throw);
			continue;
		}
		asio::co_spawn(worker_.io, serve(std::move(socket)), asio::detached);
	}
}

// Nobody is let in where admin-database does not answer; for database LeaderFinder asks.
asio::awaitable<void> Admin::ask_for_credentials() {
	asio::steady_timer pause(worker_.io);
	for (;;) {
		auto ticket = std::make_shared<CredentialCall::LaneType::TicketType>(CredentialRequest{});
		if (co_await worker_.credentials.settle(ticket, Clock::now() + ask_timeout) ==
			Settled::answered)
			last_answer_ = Clock::now();
		pause.expires_after(ask_interval);
		co_await pause.async_wait(no_throw);
	}
}

// Why the gateway is ready; null where it is not. Both database and admin-database have answered of
// late, or in a cluster are away for no longer than requests wait for them.
const char *Admin::readiness() const {
	const auto silence = Clock::now() - last_answer_;
	const auto longest_hold = worker_.config.request_deadline;
	if (worker_.stopping)
		return nullptr;
	if (leadership_.answers() && silence <= longest_silence)
		return "ok\n";
	if (leadership_.may_hold(longest_hold) && silence <= longest_hold)
		return "holding requests for a failover\n";
	return nullptr;
}

asio::awaitable<void> Admin::serve(tcp::socket socket) {
	beast::tcp_stream stream(std::move(socket));
	beast::flat_buffer buffer;
	for (;;) {
		http::request<http::empty_body> request;
		stream.expires_after(client_timeout);
		const auto [read_error, read_size] =
			co_await http::async_read(stream, buffer, request, no_throw);
		if (read_error)
			co_return;
		http::response<http::string_body> response(http::status::ok, request.version());
		response.set(http::field::content_type, "text/plain");
		response.keep_alive(request.keep_alive());
		if (request.method() != http::verb::get) {
			response.result(http::status::method_not_allowed);
			response.set(http::field::allow, "GET");
		} else if (request.target() == "/livez") {
			response.body() = "ok\n";
		} else if (request.target() == "/readyz") {
			const char *why = readiness();
			if (why == nullptr)
				response.result(http::status::service_unavailable);
			response.body() =
				why == nullptr ? "no leader answers over database and admin-database\n" : why;
		} else if (request.target() == "/metrics") {
			response.set(http::field::content_type, metrics_type);
			response.body() =
				exposition(metrics_, route_names(), leadership_.figures(), readiness() != nullptr);
		} else {
			response.result(http::status::not_found);
			response.body() = "There are /livez, /readyz and /metrics.\n";
		}
		response.prepare_payload();
		stream.expires_after(client_timeout);
		const auto [write_error, write_size] =
			co_await http::async_write(stream, response, no_throw);
		if (write_error || !response.keep_alive())
			co_return;
	}
}

} // namespace tokpay
