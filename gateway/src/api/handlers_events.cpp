#include "api/handlers.hpp"

#include "access/credential.hpp"
#include "api/documents.hpp"
#include "api/execution.hpp"
#include "api/object_reader.hpp"
#include "ledger/feed.hpp"

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr size_t max_accounts = 100;
constexpr size_t max_account_list_bytes = max_accounts * 20;
// A stream that resumes is told of so many entries of an account that it has missed at most.
constexpr int32_t max_missed_entries = 1000;
// So that a stream ends within a second of its credential.
constexpr std::chrono::milliseconds credential_interval{400};
constexpr std::chrono::seconds heartbeat_interval{15};

// The ids of "1,2,3", each once.
Result<std::vector<int64_t>> account_list(const Parameters &given) {
	const auto text = text_parameter(given, "account", max_account_list_bytes);
	std::vector<int64_t> accounts;
	if (text && *text)
		for (std::string_view rest = **text; accounts.size() <= max_accounts;) {
			const size_t comma = rest.find(',');
			const auto id = parse_id(rest.substr(0, comma));
			if (!id || std::ranges::find(accounts, *id) != accounts.end()) {
				accounts.clear();
				break;
			}
			accounts.push_back(*id);
			if (comma == std::string_view::npos)
				break;
			rest.remove_prefix(comma + 1);
		}
	if (accounts.empty() || accounts.size() > max_accounts)
		return wrong_parameter("account", "is a list of 1 to 100 different ids: 1,2,3");
	return accounts;
}

// An event's id: the version of every account that is told by then, "1:17,2:4".
std::string event_id(const std::vector<Balance> &told) {
	std::string id;
	for (const Balance &balance : told) {
		id.append(id.empty() ? "" : ",").append(std::to_string(balance.account)).append(":");
		id.append(std::to_string(balance.version));
	}
	return id;
}

// The versions in an event's id; nothing where it is not one of a stream of these accounts.
std::optional<std::vector<int64_t>> told_versions(
	std::string_view id, const std::vector<int64_t> &accounts) {
	std::vector<int64_t> versions;
	for (const int64_t account : accounts) {
		const std::string prefix = std::to_string(account) + ':';
		const std::string_view part = id.substr(0, id.find(','));
		if (!part.starts_with(prefix))
			return std::nullopt;
		const std::string_view digits = part.substr(prefix.size());
		const auto version = digits == "0" ? std::optional<int64_t>(0) : parse_id(digits);
		if (!version)
			return std::nullopt;
		versions.push_back(*version);
		id.remove_prefix(std::min(id.size(), part.size() + 1));
	}
	return id.empty() ? std::optional(versions) : std::nullopt;
}

// What a client has been told so far, and the text of what it is told next.
class Teller {
public:
	explicit Teller(std::vector<Balance> told) : told_(std::move(told)) {}

	const std::vector<Balance> &told() const { return told_; }

	void entry(size_t i, const WatchedEntry &entry) {
		told_[i].version = entry.version;
		event("entry", entry.document);
	}
	void balance(size_t i, const Balance &balance) {
		told_[i] = balance;
		std::string document;
		json::Writer out(document);
		write_balance(out, balance);
		event("balance", document);
	}
	// The client has to read this account anew.
	void reset(size_t i, int64_t version) {
		told_[i].version = version;
		event("reset", "{\"account\":\"" + std::to_string(told_[i].account) + "\"}");
	}

	// Everything that a watch has beyond what was told.
	void catch_up(size_t i, const Watch &watch) {
		const Balance &now = watch.balance;
		if (now == told_[i])
			return;
		if (now.version > told_[i].version) {
			if (watch.entries.empty() || watch.entries.front().version > told_[i].version + 1)
				reset(i, now.version);
			for (const WatchedEntry &kept : watch.entries)
				if (kept.version > told_[i].version)
					entry(i, kept);
		}
		if (now.version >= told_[i].version)
			balance(i, now);
	}

	std::string take() { return std::exchange(text_, {}); }

private:
	void event(std::string_view name, std::string_view document) {
		text_.append("event: ").append(name).append("\nid: ").append(event_id(told_));
		text_.append("\ndata: ").append(document).append("\n\n");
	}

	std::vector<Balance> told_;
	std::string text_;
};

// Tells what happens until the client, its credential or an account is gone.
asio::awaitable<void> write_events(Worker &worker, CallerPtr caller, Credential credential,
	std::shared_ptr<Teller> teller, BodyWriter &out) {
	Feed::Listener listener(worker.feed, caller->principal, teller->told());
	std::string text = "retry: 1000\n\n" + teller->take();
	auto heartbeat = Clock::now();
	for (;;) {
		if (!text.empty()) {
			if (!co_await out.write(text))
				co_return;
			heartbeat = Clock::now() + heartbeat_interval;
		}
		const bool on_time = co_await listener.wait(credential_interval);
		const bool allowed = co_await credential.is_good(worker);
		if (worker.stopping || !allowed)
			co_return;
		for (size_t i = 0; i < listener.watches().size(); i++) {
			const Watch &watch = *listener.watches()[i];
			if (!watch.balance.known)
				co_return;
			teller->catch_up(i, watch);
		}
		text = teller->take();
		// A wait that is cut short means that the client may be gone, which writing finds out.
		if (text.empty() && (!on_time || Clock::now() >= heartbeat))
			text = ":\n\n";
	}
}

} // namespace

Reply get_events(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"account"}, "account");
	if (!given)
		co_return given.error();
	const auto accounts = account_list(*given);
	if (!accounts)
		co_return accounts.error();
	const auto last_id = exchange.request.header("Last-Event-ID");
	auto versions = told_versions(last_id.value_or(""), *accounts);
	const bool resumes = versions.has_value();
	if (!resumes) // nothing has been missed
		versions.emplace(accounts->size(), INT64_MAX);
	const std::vector<std::optional<std::string>> principals(
		accounts->size(), exchange.caller->principal);
	const auto changes =
		co_await run_statement(exchange, changes_sql, Repeat::yes, pg::int8_array(*accounts),
			pg::text_array(principals), pg::int8_array(*versions), pg::int4(max_missed_entries));
	if (!changes)
		co_return changes.error();
	const auto names = co_await read_names(exchange, counterparties(*changes));
	if (!names)
		co_return names.error();

	std::vector<Balance> balances;
	std::vector<std::vector<WatchedEntry>> missed(accounts->size());
	for (int row = 0; row < changes->rows(); row++) {
		const auto i = static_cast<size_t>(changes->int8(row, 9)) - 1;
		Change change = read_change(*changes, row, (*accounts)[i], *names);
		if (change.entry)
			missed[i].push_back(std::move(*change.entry));
		else
			balances.push_back(change.balance);
	}
	if (!std::ranges::all_of(balances, &Balance::known))
		co_return not_found("There is no such account.");

	std::vector<Balance> told = balances;
	for (size_t i = 0; resumes && i < told.size(); i++)
		told[i].version = (*versions)[i];
	auto teller = std::make_shared<Teller>(std::move(told));
	for (size_t i = 0; i < balances.size(); i++) {
		const int64_t version = balances[i].version;
		const int64_t gap = resumes ? version - (*versions)[i] : 0;
		if ((last_id && !resumes) || gap < 0 || gap > max_missed_entries)
			teller->reset(i, version);
		else
			for (auto entry = missed[i].rbegin(); entry != missed[i].rend(); ++entry)
				teller->entry(i, *entry);
		teller->balance(i, balances[i]);
	}

	Response response{.content_type = "text/event-stream"};
	response.headers.emplace_back("X-Accel-Buffering", "no");
	response.stream = [&worker = exchange.worker, caller = exchange.caller, teller,
						  credential = Credential(exchange)](BodyWriter &out) {
		return write_events(worker, caller, credential, teller, out);
	};
	co_return response;
}

} // namespace tokpay
