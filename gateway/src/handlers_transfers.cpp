#include "handlers.hpp"

#include "body_reader.hpp"
#include "documents.hpp"

#include <algorithm>
#include <unordered_map>

namespace tokpay {

namespace asio = boost::asio;

namespace {

const std::string select_receipt =
	std::string("select ") + receipt_columns + " from tokpay.receipts ";

Problem transfer_unknown() {
	return not_found("There is no such transfer.");
}

Problem account_not_found(int64_t account) {
	Problem problem = refusal_problem(
		"account_not_found", "There is no account " + std::to_string(account) + ".");
	problem.account = account;
	return problem;
}

Problem refused(const TransferOutcome &outcome) {
	Problem problem = refusal_problem(outcome.code, outcome.detail);
	problem.account = outcome.account;
	problem.balance = outcome.balance;
	problem.required = outcome.required;
	return problem;
}

// A transfer as the answer to the request that made it.
Response transfer_response(
	Worker &worker, const Caller &caller, const TransferDocument &transfer, bool replayed) {
	Response response{.status = replayed ? 200u : 201u};
	json::Writer out(response.body);
	write_transfer(out, transfer, caller);
	response.headers.emplace_back("Location", "/v1/transfers/" + std::to_string(transfer.id));
	if (replayed) {
		response.headers.emplace_back("Idempotency-Replayed", "true");
		worker.metrics.replays.add();
	}
	return response;
}

// A refusal about an account that the caller does not reach keeps its code and tells no figures.
void conceal(TransferOutcome &outcome, const Caller &caller) {
	if (outcome.ok() || !outcome.account || caller.reaches(*outcome.account) ||
		outcome.code == "account_not_found")
		return;
	outcome.balance.reset();
	outcome.required.reset();
	outcome.detail = "Account " + std::to_string(*outcome.account) + " cannot take this.";
}

// Sends transfers through the lane the caller's scopes allow; outcomes in their order.
asio::awaitable<Result<std::vector<TransferOutcome>>> execute(
	Exchange &exchange, std::vector<TransferRequest> transfers) {
	auto &lane =
		exchange.caller->fund ? exchange.worker.funded_transfers : exchange.worker.transfers;
	auto ticket =
		std::make_shared<TransferCall::LaneType::TicketType>(TransferWork{std::move(transfers)});
	switch (co_await lane.settle(ticket, exchange.deadline)) {
	case Settled::answered:
		for (TransferOutcome &outcome : ticket->reply)
			conceal(outcome, *exchange.caller);
		co_return std::move(ticket->reply);
	case Settled::refused:
		co_return database_problem(ticket->sqlstate, ticket->message);
	case Settled::unknown:
		co_return outcome_unknown();
	default:
		co_return overloaded();
	}
}

// A transfer that was executed or replayed, as its request and its outcome.
struct Executed {
	TransferRequest request;
	TransferOutcome outcome;
};

using Currencies = std::unordered_map<int64_t, std::string>; // by account

// The currencies of the debited accounts, with one read for those the worker has not met.
asio::awaitable<Result<Currencies>> currencies_of(
	Exchange &exchange, const std::vector<Executed> &transfers) {
	CurrencyCache &cache = exchange.worker.currencies;
	Currencies currencies;
	std::vector<int64_t> missing;
	for (const Executed &transfer : transfers) {
		if (const std::string *known = cache.find(transfer.request.debit))
			currencies.emplace(transfer.request.debit, *known);
		else
			missing.push_back(transfer.request.debit);
	}
	if (missing.empty())
		co_return currencies;
	const auto balances = co_await read_balances(exchange, std::move(missing));
	if (!balances)
		co_return balances.error();
	for (const Balance &balance : *balances) {
		cache.put(balance.account, balance.currency);
		currencies.emplace(balance.account, balance.currency);
	}
	co_return currencies;
}

// Replaces the metadata of the requests by what the ledger stores, with one read, so that a replay
// is answered as the first request was. False where it cannot be read.
asio::awaitable<bool> read_metadata(Exchange &exchange, std::vector<Executed> &transfers) {
	std::vector<int64_t> ids;
	for (const Executed &transfer : transfers)
		if (transfer.request.metadata)
			ids.push_back(transfer.outcome.transfer);
	if (ids.empty())
		co_return true;
	const auto stored = co_await run_statement(exchange,
		"select id, metadata from tokpay.transfers where id = any($1)", Repeat::yes,
		pg::int8_array(ids));
	if (!stored)
		co_return false;
	std::unordered_map<int64_t, std::string> texts;
	for (int row = 0; row < stored->rows(); row++)
		texts.emplace(stored->int8(row, 0), stored->jsonb(row, 1));
	for (Executed &transfer : transfers)
		if (transfer.request.metadata)
			transfer.request.metadata = texts.at(transfer.outcome.transfer);
	co_return true;
}

// The objects of executed transfers, in their order. 504 where the money has moved and the rest of
// the answer cannot be read.
asio::awaitable<Result<std::vector<TransferDocument>>> documents_of(
	Exchange &exchange, std::vector<Executed> transfers) {
	const auto currencies = co_await currencies_of(exchange, transfers);
	if (!currencies || !co_await read_metadata(exchange, transfers))
		co_return outcome_unknown();
	std::vector<TransferDocument> documents;
	documents.reserve(transfers.size());
	for (const Executed &transfer : transfers)
		documents.push_back(transfer_document(
			transfer.request, transfer.outcome, currencies->at(transfer.request.debit)));
	co_return documents;
}

// The transfer in the one row of a statement, where the caller may see it.
Result<TransferDocument> visible_transfer(const Exchange &exchange, const pg::Result &receipt) {
	if (receipt.rows() == 0)
		return transfer_unknown();
	TransferDocument transfer = transfer_document(receipt, 0);
	const Caller &caller = *exchange.caller;
	if (!caller.reaches(transfer.debit.account) &&
		!std::ranges::any_of(transfer.credits,
			[&](const LegDocument &credit) { return caller.reaches(credit.account); }))
		return transfer_unknown();
	return transfer;
}

} // namespace

Response transfer_response(Worker &worker, const Caller &caller, const TransferRequest &request,
	TransferOutcome outcome, const std::string &currency) {
	conceal(outcome, caller);
	if (!outcome.ok())
		return to_response(refused(outcome));
	return transfer_response(
		worker, caller, transfer_document(request, outcome, currency), outcome.replayed);
}

Reply post_transfer(Exchange &exchange) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	auto transfer = read_transfer_body(exchange.request.body);
	if (!transfer)
		co_return transfer.error();
	transfer->key = *key;
	if (!exchange.caller->reaches(transfer->debit))
		co_return account_not_found(transfer->debit);
	const auto outcomes = co_await execute(exchange, std::vector(1, *transfer));
	if (!outcomes)
		co_return outcomes.error();
	const TransferOutcome &outcome = outcomes->front();
	if (!outcome.ok())
		co_return refused(outcome);
	std::vector<Executed> executed(1, Executed{std::move(*transfer), outcome});
	const auto documents = co_await documents_of(exchange, std::move(executed));
	if (!documents)
		co_return documents.error();
	co_return transfer_response(
		exchange.worker, *exchange.caller, documents->front(), outcome.replayed);
}

namespace {

// No account has this id.
constexpr int64_t unknown_account = 0;

// One outcome per transfer of a batch, in order. What the caller does not reach is sent as an
// unknown account, so that the ledger says what becomes of its chain.
asio::awaitable<Result<std::vector<TransferOutcome>>> execute_reachable(
	Exchange &exchange, const std::vector<TransferRequest> &transfers) {
	std::vector<TransferRequest> sent = transfers;
	for (TransferRequest &transfer : sent)
		if (!exchange.caller->reaches(transfer.debit))
			transfer.debit = unknown_account;
	auto outcomes = co_await execute(exchange, std::move(sent));
	if (!outcomes)
		co_return outcomes.error();
	for (size_t i = 0; i < transfers.size(); i++) {
		TransferOutcome &outcome = (*outcomes)[i];
		if (outcome.account == unknown_account) {
			outcome.account = transfers[i].debit;
			outcome.detail = account_not_found(transfers[i].debit).detail;
		}
	}
	co_return std::move(*outcomes);
}

// {code, replayed, transfer, account, balance, required, detail}; document is null for a refusal.
void write_result(json::Writer &out, const TransferOutcome &outcome,
	const TransferDocument *document, const Caller &caller) {
	out.begin_object();
	out.member("code", outcome.code);
	out.member("replayed", outcome.replayed);
	out.name("transfer");
	if (document != nullptr)
		write_transfer(out, *document, caller);
	else
		out.value(std::nullopt);
	out.member(
		"account", outcome.account ? std::optional(json::Id{*outcome.account}) : std::nullopt);
	out.member("balance", outcome.balance);
	out.member("required", outcome.required);
	out.member("detail", outcome.ok() ? std::nullopt : std::optional(outcome.detail));
	out.end_object();
}

} // namespace

Reply post_transfer_batch(Exchange &exchange) {
	const auto transfers = read_transfer_batch(exchange.request.body);
	if (!transfers)
		co_return transfers.error();
	const auto outcomes = co_await execute_reachable(exchange, *transfers);
	if (!outcomes)
		co_return outcomes.error();
	std::vector<Executed> executed;
	for (size_t i = 0; i < transfers->size(); i++)
		if ((*outcomes)[i].ok())
			executed.push_back({(*transfers)[i], (*outcomes)[i]});
	const auto documents = co_await documents_of(exchange, std::move(executed));
	if (!documents)
		co_return documents.error();

	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("results");
	out.begin_array();
	auto next = documents->begin();
	for (const TransferOutcome &outcome : *outcomes) {
		write_result(out, outcome, outcome.ok() ? &*next++ : nullptr, *exchange.caller);
		exchange.worker.metrics.replays.add(outcome.replayed ? 1 : 0);
	}
	out.end_array();
	out.end_object();
	co_return response;
}

Reply get_transfer(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	static const std::string sql = select_receipt + "where id = $1";
	const auto receipt =
		co_await run_statement(exchange, sql.c_str(), Repeat::yes, pg::int8(exchange.id));
	if (!receipt)
		co_return receipt.error();
	const auto transfer = visible_transfer(exchange, *receipt);
	if (!transfer)
		co_return transfer.error();
	Response response;
	json::Writer out(response.body);
	write_transfer(out, *transfer, *exchange.caller);
	co_return response;
}

Reply find_transfer(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"debit", "key"});
	if (!given)
		co_return given.error();
	const auto debit = given->find("debit");
	const auto key = given->find("key");
	const auto account = debit == given->end() ? std::nullopt : parse_id(debit->second);
	if (!account || key == given->end())
		co_return Problem{
			422, "invalid_request", "The query parameters debit, an id, and key are needed."};
	if (!exchange.caller->reaches(*account))
		co_return transfer_unknown();
	static const std::string sql =
		select_receipt + "where id = (select transfer from tokpay.transfer_by_key($1, $2))";
	const auto receipt = co_await run_statement(
		exchange, sql.c_str(), Repeat::yes, pg::int8(*account), pg::text(key->second));
	if (!receipt)
		co_return receipt.error();
	if (receipt->rows() == 0)
		co_return not_found("No transfer with this key is committed yet; it may still be. Repeat "
							"the request with its key to settle it.");
	Response response;
	json::Writer out(response.body);
	write_transfer(out, transfer_document(*receipt, 0), *exchange.caller);
	co_return response;
}

Reply post_top_up(Exchange &exchange) {
	const auto key = idempotency_key(exchange.request);
	if (!key)
		co_return key.error();
	const auto top_up = read_top_up(exchange.request.body);
	if (!top_up)
		co_return top_up.error();
	if (!exchange.caller->reaches(top_up->account))
		co_return account_not_found(top_up->account);
	const std::string ledger_key = "top_up/" + std::to_string(top_up->account) + '/' + *key;
	const auto posted =
		co_await run_statement(exchange, "select transfer, replayed from tokpay.top_up($1, $2, $3)",
			Repeat::yes, pg::int8(top_up->account), pg::int8(top_up->amount), pg::text(ledger_key));
	if (!posted)
		co_return posted.error();
	static const std::string sql = select_receipt + "where id = $1";
	const auto receipt =
		co_await run_statement(exchange, sql.c_str(), Repeat::yes, pg::int8(posted->int8(0, 0)));
	if (!receipt)
		co_return outcome_unknown();
	co_return transfer_response(
		exchange.worker, *exchange.caller, transfer_document(*receipt, 0), posted->boolean(0, 1));
}

} // namespace tokpay
