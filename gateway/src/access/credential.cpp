#include "access/credential.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds deadline{1};

} // namespace

Credential::Credential(const Exchange &exchange)
	: authorization_(exchange.request.header("Authorization").value_or("")),
	  cookie_(exchange.request.header("Cookie").value_or("")),
	  client_(client_of(exchange.request, exchange.worker.config.trusted_proxies)) {}

asio::awaitable<bool> Credential::is_good(Worker &worker) const {
	HttpRequest request;
	if (!authorization_.empty())
		request.headers.push_back({"Authorization", authorization_});
	if (!cookie_.empty())
		request.headers.push_back({"Cookie", cookie_});
	request.peer = client_;
	const auto caller = co_await worker.authenticator.authenticate(
		request, Clock::now() + deadline, Authenticator::Use::none);
	co_return caller || caller.error().status == 503;
}

} // namespace tokpay
