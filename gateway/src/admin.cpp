#include "admin.hpp"

#include "router.hpp"

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
constexpr std::chrono::seconds ready_timeout{2};
constexpr std::chrono::milliseconds accept_pause{50};
constexpr const char *metrics_type = "text/plain; version=0.0.4";

} // namespace

Admin::Admin(Worker &worker, const Leadership &leadership, std::vector<const Metrics *> metrics,
	const Endpoint &endpoint)
	: worker_(worker), leadership_(leadership), metrics_(std::move(metrics)),
	  acceptor_(worker.io, tcp::endpoint(asio::ip::make_address(endpoint.host), endpoint.port)) {}

void Admin::start() {
	asio::co_spawn(worker_.io, accept(), asio::detached);
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

// Why the gateway is ready; null where it is not. The leader answers a read, or is away for no
// longer than requests wait for it.
asio::awaitable<const char *> Admin::readiness() {
	auto ticket = std::make_shared<BalanceCall::LaneType::TicketType>(BalanceRequest{});
	Settled settled = Settled::no_leader;
	if (worker_.stopping)
		co_return nullptr;
	if (worker_.leader.leading() || worker_.leader.members() == 1)
		settled = co_await worker_.reads.settle(ticket, Clock::now() + ready_timeout);
	if (settled == Settled::answered)
		co_return "ok\n";
	if (leadership_.may_hold(worker_.config.request_deadline))
		co_return "holding requests for a failover\n";
	co_return nullptr;
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
			const char *why = co_await readiness();
			if (why == nullptr)
				response.result(http::status::service_unavailable);
			response.body() = why == nullptr ? "no leader answers\n" : why;
		} else if (request.target() == "/metrics") {
			response.set(http::field::content_type, metrics_type);
			response.body() = exposition(metrics_, route_names(), leadership_.figures());
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
