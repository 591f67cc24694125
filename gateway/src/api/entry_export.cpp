#include "api/entry_export.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <stdexcept>

namespace tokpay {

namespace asio = boost::asio;

namespace {

// An export survives a failover of so long.
constexpr std::chrono::seconds export_patience{60};
constexpr std::chrono::milliseconds export_retry_pause{250};

} // namespace

bool stopped_early(const pg::Result &entries) {
	return entries.rows() > 0 && entries.is_null(entries.rows() - 1, 1);
}

int entry_count(const pg::Result &entries) {
	return entries.rows() - (stopped_early(entries) ? 1 : 0);
}

std::optional<int64_t> next_page(const pg::Result &entries) {
	if (entries.rows() < export_page_size && !stopped_early(entries))
		return std::nullopt;
	return entries.int8(entries.rows() - 1, 0);
}

asio::awaitable<Entries> read_export_page(Worker &worker, EntrySearch search, CallerPtr caller,
	const Credential &credential, std::optional<int64_t> before) {
	const bool is_allowed = co_await credential.is_good(worker);
	if (!is_allowed)
		throw std::runtime_error("the export's credential is over");
	const HttpRequest request{.method = "GET", .target = {}, .body = {}, .headers = {}};
	const auto give_up = Clock::now() + export_patience;
	while (Clock::now() < give_up) {
		Exchange exchange{.worker = worker,
			.request = request,
			.caller = caller,
			.deadline = Clock::now() + worker.config.request_deadline};
		const auto entries = co_await read_entries(exchange, search, before, export_page_size);
		if (entries)
			co_return *entries;
		if (entries.error().status != 503)
			break;
		asio::steady_timer pause(worker.io, export_retry_pause);
		co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
	}
	throw std::runtime_error("the entries cannot be read");
}

} // namespace tokpay
