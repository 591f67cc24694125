#include "ledger/feed.hpp"

#include "api/documents.hpp"

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds tick_interval{250};
constexpr std::chrono::seconds call_deadline{5};
// Entries of an account that are kept for listeners who are slow to read; who is slower still is
// told to read anew.
constexpr size_t max_kept_entries = 256;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

} // namespace

const char *const changes_sql =
	"select version, transfer, amount, balance, kind, counterparties, description, metadata, at,"
	" place, held, available, currency from tokpay.gateway_changes($1, $2, $3, $4)";

Change read_change(const pg::Result &changes, int row, int64_t account, const Names &names) {
	Change change{.place = changes.int8(row, 9), .entry = {}, .balance = {.account = account}};
	if (!changes.is_null(row, 1)) {
		WatchedEntry entry{changes.int8(row, 0), {}};
		json::Writer out(entry.document);
		out.begin_object();
		out.member("account", json::Id{account});
		write_entry_members(out, changes, row, names);
		out.end_object();
		change.entry = std::move(entry);
	} else if (!changes.is_null(row, 0)) {
		Balance &balance = change.balance;
		balance.known = true;
		balance.version = changes.int8(row, 0);
		balance.balance = changes.int8(row, 3);
		balance.held = changes.int8(row, 10);
		balance.available = changes.optional_int8(row, 11);
		balance.currency = changes.text(row, 12);
	}
	return change;
}

Feed::Listener::Listener(
	Feed &feed, const std::optional<std::string> &principal, const std::vector<Balance> &balances)
	: feed_(feed), timer_(feed.io_) {
	for (const Balance &balance : balances) {
		const Key &key = keys_.emplace_back(balance.account, principal.value_or(""));
		Watched &watched = feed.watched_[key];
		if (!watched.watch) {
			watched.watch = std::make_shared<Watch>();
			watched.watch->balance = balance;
		}
		watched.listeners.push_back(this);
		watches_.push_back(watched.watch);
	}
	if (!feed.running_) {
		feed.running_ = true;
		asio::co_spawn(feed.io_, feed.run(), asio::detached);
	}
}

Feed::Listener::~Listener() {
	for (const Key &key : keys_) {
		const auto found = feed_.watched_.find(key);
		std::erase(found->second.listeners, this);
		if (found->second.listeners.empty())
			feed_.watched_.erase(found);
	}
}

asio::awaitable<bool> Feed::Listener::wait(std::chrono::milliseconds longest) {
	const auto until = Clock::now() + longest;
	if (!changed_) {
		timer_.expires_at(until);
		co_await timer_.async_wait(no_throw);
	}
	co_return std::exchange(changed_, false) || Clock::now() >= until;
}

void Feed::Listener::wake() {
	changed_ = true;
	timer_.cancel();
}

asio::awaitable<void> Feed::run() {
	asio::steady_timer pause(io_);
	while (!watched_.empty()) {
		pause.expires_after(tick_interval);
		co_await pause.async_wait(no_throw);
		co_await tick();
	}
	running_ = false;
}

asio::awaitable<void> Feed::tick() {
	std::vector<Key> asked;
	std::vector<int64_t> accounts;
	std::vector<std::optional<std::string>> principals;
	std::vector<int64_t> versions;
	for (const auto &[key, watched] : watched_) {
		asked.push_back(key);
		accounts.push_back(key.first);
		principals.push_back(key.second.empty() ? std::nullopt : std::optional(key.second));
		versions.push_back(watched.watch->balance.version);
	}
	if (asked.empty())
		co_return;
	StatementRequest request{.sql = changes_sql, .parameters = {}, .may_repeat = true};
	request.parameters.push_back(pg::int8_array(accounts));
	request.parameters.push_back(pg::text_array(principals));
	request.parameters.push_back(pg::int8_array(versions));
	request.parameters.push_back(pg::int4(max_kept_entries));
	const auto changes = co_await ask(std::move(request));
	if (!changes)
		co_return;
	Names names;
	if (const auto others = counterparties(*changes); !others.empty()) {
		StatementRequest about{.sql = names_sql, .parameters = {}, .may_repeat = true};
		about.parameters.push_back(pg::int8_array(others));
		const auto rows = co_await ask(std::move(about));
		if (!rows)
			co_return;
		names = Names(*rows);
	}
	apply(*changes, names, asked);
}

asio::awaitable<std::optional<pg::Result>> Feed::ask(StatementRequest request) {
	auto ticket = std::make_shared<StatementCall::LaneType::TicketType>(std::move(request));
	const Settled settled = co_await statements_.settle(ticket, Clock::now() + call_deadline);
	if (settled != Settled::answered)
		co_return std::nullopt;
	co_return ticket->reply;
}

// Rows of an account follow one another: its balance, then its new entries, newest first.
void Feed::apply(const pg::Result &changes, const Names &names, const std::vector<Key> &asked) {
	for (int row = 0; row < changes.rows();) {
		const Key &key = asked[static_cast<size_t>(changes.int8(row, 9)) - 1];
		const Change change = read_change(changes, row, key.first, names);
		std::vector<WatchedEntry> entries;
		for (row++; row < changes.rows() && !changes.is_null(row, 1); row++)
			entries.push_back(std::move(*read_change(changes, row, key.first, names).entry));

		const auto found = watched_.find(key);
		if (found == watched_.end() || change.balance == found->second.watch->balance)
			continue;
		Watch &watch = *found->second.watch;
		if (entries.empty() || entries.back().version != watch.balance.version + 1)
			if (change.balance.version != watch.balance.version)
				watch.entries.clear();
		watch.balance = change.balance;
		for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
			watch.entries.push_back(std::move(*entry));
		while (watch.entries.size() > max_kept_entries)
			watch.entries.pop_front();
		for (Listener *listener : found->second.listeners)
			listener->wake();
	}
}

} // namespace tokpay
