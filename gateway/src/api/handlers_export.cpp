#include "api/handlers.hpp"

#include "access/person.hpp"
#include "api/documents.hpp"
#include "api/entry_export.hpp"

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr int32_t max_exported_recipients = 10000;

// Writes the accounts with their entries, and the end of the object whose beginning is head.
asio::awaitable<void> write_accounts(Worker &worker, CallerPtr caller, Credential credential,
	std::string head, pg::Result accounts, BodyWriter &out) {
	std::string piece;
	json::Writer json(piece);
	if (!co_await out.write(head))
		co_return;
	for (int row = 0; row < accounts.rows(); row++) {
		const EntrySearch search{.account = accounts.int8(row, 0), .principal = caller->principal};
		json.begin_object();
		json.name("account");
		write_account(json, accounts, row);
		json.name("entries");
		json.begin_array();
		std::optional<int64_t> before;
		do {
			const Entries page =
				co_await read_export_page(worker, search, caller, credential, before);
			for (int entry = 0; entry < entry_count(page.rows); entry++)
				write_entry(json, page.rows, entry, page.names);
			before = next_page(page.rows);
			if (!co_await out.write(piece))
				co_return;
			piece.clear();
		} while (before);
		json.end_array();
		json.end_object();
	}
	json.end_array();
	json.end_object();
	co_await out.write(piece);
}

} // namespace

Reply export_me(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const auto person = co_await read_person(exchange);
	if (!person)
		co_return person.error();
	const auto sessions = co_await read_sessions(exchange);
	if (!sessions)
		co_return sessions.error();
	const auto recipients =
		co_await read_recipients(exchange, std::nullopt, max_exported_recipients);
	if (!recipients)
		co_return recipients.error();
	const auto accounts = co_await read_own_accounts(exchange);
	if (!accounts)
		co_return accounts.error();
	std::string head;
	json::Writer json(head);
	json.begin_object();
	json.name("profile");
	json.begin_object();
	write_person_members(json, exchange.worker.config, *person);
	json.end_object();
	json.name("sessions");
	write_sessions(json, exchange, *sessions);
	json.name("recipients");
	write_recipients(json, *recipients);
	json.name("accounts");
	json.begin_array();

	Response response;
	response.headers.emplace_back("Content-Disposition",
		"attachment; filename=\"tokpay-" + std::to_string(wallet_of(*person)) + ".json\"");
	response.stream = [&worker = exchange.worker, caller = exchange.caller,
						  credential = Credential(exchange), head,
						  own = *accounts](BodyWriter &out) {
		return write_accounts(worker, caller, credential, head, own, out);
	};
	co_return response;
}

} // namespace tokpay
