#include "ledger/hold_expiry.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::chrono::seconds deadline{5};

asio::awaitable<void> expire_holds(Worker &worker) {
	asio::steady_timer pause(worker.io);
	while (!worker.stopping) {
		pause.expires_after(interval);
		co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
		StatementRequest request{
			.sql = "select tokpay.expire_holds()", .parameters = {}, .may_repeat = true};
		auto ticket = std::make_shared<StatementCall::LaneType::TicketType>(std::move(request));
		co_await worker.statements.settle(ticket, Clock::now() + deadline);
	}
}

} // namespace

void start_hold_expiry(Worker &worker) {
	asio::co_spawn(worker.io, expire_holds(worker), asio::detached);
}

} // namespace tokpay
