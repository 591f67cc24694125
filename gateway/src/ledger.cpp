#include "ledger.hpp"

#include <map>
#include <stdexcept>

namespace tokpay {

namespace asio = boost::asio;

pg::Query BalanceCall::query(const LaneType::Batch &batch) const {
	std::vector<int64_t> accounts;
	for (const auto &ticket : batch)
		accounts.insert(
			accounts.end(), ticket->request.accounts.begin(), ticket->request.accounts.end());
	return {"select account, balance, held, available, version, currency from tokpay.balances($1)",
		{pg::int8_array(accounts)}};
}

void BalanceCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	int row = 0;
	for (const auto &ticket : batch) {
		ticket->reply.reserve(ticket->request.accounts.size());
		for (const int64_t account : ticket->request.accounts) {
			Balance &balance = ticket->reply.emplace_back(Balance{.account = account});
			if (!result.is_null(row, 1)) {
				balance.known = true;
				balance.balance = result.int8(row, 1);
				balance.held = result.int8(row, 2);
				balance.available = result.optional_int8(row, 3);
				balance.version = result.int8(row, 4);
				balance.currency = result.text(row, 5);
			}
			row++;
		}
	}
}

size_t TransferWork::weight() const {
	size_t credits = 0;
	for (const TransferRequest &transfer : transfers)
		credits += transfer.credits.size();
	return credits;
}

asio::awaitable<bool> TransferCall::prepare(pg::Connection &connection) {
	const std::vector<pg::Parameter> none;
	const pg::Answer answer = co_await connection.query(
		"select 'tokpay.transfer_request'::regtype::oid::int8", none, std::chrono::seconds(2));
	if (answer.kind != pg::Answer::Kind::ok)
		co_return false;
	request_oid = static_cast<uint32_t>(answer.result.int8(0, 0));
	co_return true;
}

namespace {

// A record of type tokpay.transfer_request: the number of fields, then for each its type and value.
void write_request(
	pg::Writer &writer, const TransferRequest &request, std::optional<int32_t> chain) {
	constexpr int field_count = 7;
	writer.int32(field_count);
	writer.int32(pg::int8_oid);
	writer.int64_field(request.debit);
	for (const auto member : {&Credit::account, &Credit::amount}) {
		writer.int32(pg::int8_array_oid);
		const size_t begin = writer.begin_field();
		writer.array_head(pg::int8_oid, request.credits.size());
		for (const Credit &credit : request.credits)
			writer.int64_field(credit.*member);
		writer.end_field(begin);
	}
	writer.int32(pg::text_oid);
	writer.text_field(request.key);
	writer.int32(pg::text_oid);
	if (request.description)
		writer.text_field(*request.description);
	else
		writer.null();
	writer.int32(pg::jsonb_oid);
	if (request.metadata)
		writer.jsonb_field(*request.metadata);
	else
		writer.null();
	writer.int32(pg::int4_oid);
	if (chain) {
		writer.int32(sizeof *chain);
		writer.int32(*chain);
	} else {
		writer.null();
	}
}

} // namespace

pg::Query TransferCall::query(const LaneType::Batch &batch) const {
	size_t count = 0;
	for (const auto &ticket : batch)
		count += ticket->request.transfers.size();
	std::string requests;
	pg::Writer writer(requests);
	writer.array_head(request_oid, count);
	int32_t chain_count = 0;
	for (const auto &ticket : batch) {
		// Clients number their chains without knowing of each other.
		std::map<int32_t, int32_t> chains;
		for (const TransferRequest &transfer : ticket->request.transfers) {
			std::optional<int32_t> chain;
			if (transfer.chain) {
				const auto [place, is_new] = chains.try_emplace(*transfer.chain, chain_count);
				chain_count += is_new ? 1 : 0;
				chain = place->second;
			}
			const size_t begin = writer.begin_field();
			write_request(writer, transfer, chain);
			writer.end_field(begin);
		}
	}
	return {"select code, transfer, at, debit_balance, debit_version, credit_balances, "
			"credit_versions, replayed, account, balance, required, detail "
			"from tokpay.transfer_batch($1)",
		{{0, std::move(requests)}}};
}

void TransferCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	int row = 0;
	for (const auto &ticket : batch)
		for (size_t i = 0; i < ticket->request.transfers.size(); i++, row++) {
			TransferOutcome &outcome = ticket->reply.emplace_back();
			outcome.code = result.text(row, 0);
			if (outcome.ok()) {
				outcome.transfer = result.int8(row, 1);
				outcome.at = result.int8(row, 2);
				outcome.debit_balance = result.int8(row, 3);
				outcome.debit_version = result.int8(row, 4);
				outcome.credit_balances = result.int8_array(row, 5);
				outcome.credit_versions = result.int8_array(row, 6);
				outcome.replayed = result.boolean(row, 7);
			} else {
				outcome.account = result.optional_int8(row, 8);
				outcome.balance = result.optional_int8(row, 9);
				outcome.required = result.optional_int8(row, 10);
				outcome.detail = result.text(row, 11);
			}
		}
}

pg::Query StatementCall::query(const LaneType::Batch &batch) const {
	const StatementRequest &request = batch.front()->request;
	return {request.sql, request.parameters};
}

void StatementCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	batch.front()->reply = result;
}

} // namespace tokpay
