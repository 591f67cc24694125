#include "ledger.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <stdexcept>

namespace tokpay {

namespace asio = boost::asio;

pg::Query BalanceCall::query(const LaneType::Batch &batch, std::chrono::milliseconds) const {
	std::vector<int64_t> accounts;
	std::vector<std::optional<std::string>> principals;
	bool limited = false;
	for (const auto &ticket : batch) {
		const BalanceRequest &request = ticket->request;
		accounts.insert(accounts.end(), request.accounts.begin(), request.accounts.end());
		limited |= request.principal.has_value();
	}
	if (limited)
		for (const auto &ticket : batch)
			principals.insert(
				principals.end(), ticket->request.accounts.size(), ticket->request.principal);
	return {"select tokpay.gateway_packed_balances($1, $2)",
		{pg::int8_array(accounts),
			limited ? pg::text_array(principals) : pg::Parameter{pg::text_array_oid, {}}}};
}

namespace {

// As extension/src/read_functions.cpp has packed it.
Balance read_balance(pg::Reader &reader, int64_t account) {
	constexpr uint8_t unknown = 0;
	constexpr uint8_t without_floor = 2;
	Balance balance{.account = account};
	const uint8_t kind = reader.int8();
	if (kind == unknown)
		return balance;
	balance.known = true;
	balance.balance = reader.int64();
	balance.held = reader.int64();
	const int64_t available = reader.int64();
	if (kind != without_floor)
		balance.available = available;
	balance.version = reader.int64();
	balance.currency = reader.field().value_or("");
	return balance;
}

} // namespace

void BalanceCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	pg::Reader reader(result.text(0, 0));
	for (const auto &ticket : batch) {
		ticket->reply.reserve(ticket->request.accounts.size());
		for (const int64_t account : ticket->request.accounts)
			ticket->reply.push_back(read_balance(reader, account));
	}
}

size_t TransferWork::weight() const {
	size_t credits = 0;
	for (const TransferRequest &transfer : transfers)
		credits += std::max<size_t>(transfer.credits.size(), 1);
	return credits;
}

asio::awaitable<bool> TransferCall::prepare(pg::Connection &connection) {
	const std::vector<pg::Parameter> none;
	const pg::Answer answer = co_await connection.query(
		"select 'tokpay.gateway_request'::regtype::oid::int8", none, std::chrono::seconds(2));
	if (answer.kind != pg::Answer::Kind::ok)
		co_return false;
	request_oid = static_cast<uint32_t>(answer.result.int8(0, 0));
	co_return true;
}

namespace {

template<class T> void write_text(pg::Writer &writer, uint32_t type, const T &text) {
	writer.int32(static_cast<int32_t>(type));
	if (!text)
		writer.null();
	else if (type == pg::jsonb_oid)
		writer.jsonb_field(*text);
	else
		writer.text_field(*text);
}

void write_int8(pg::Writer &writer, std::optional<int64_t> value) {
	writer.int32(pg::int8_oid);
	if (value)
		writer.int64_field(*value);
	else
		writer.null();
}

// A bigint[] of one member of every element.
template<class Elements, class Member>
void write_int8_array(pg::Writer &writer, const Elements &elements, Member member) {
	const size_t begin = writer.begin_field();
	writer.array_head(pg::int8_oid, elements.size());
	for (const auto &element : elements)
		writer.int64_field(std::invoke(member, element));
	writer.end_field(begin);
}

// An interval of seconds: microseconds, days and months (interval_recv).
void write_interval(pg::Writer &writer, std::optional<int64_t> seconds) {
	constexpr uint32_t interval_oid = 1186;
	constexpr int64_t seconds_per_day = 86400;
	writer.int32(interval_oid);
	if (!seconds) {
		writer.null();
		return;
	}
	const size_t begin = writer.begin_field();
	writer.int64(*seconds % seconds_per_day * 1000000);
	writer.int32(static_cast<int32_t>(*seconds / seconds_per_day));
	writer.int32(0);
	writer.end_field(begin);
}

// A record of type tokpay.gateway_request: the number of fields, then for each its type and value.
void write_request(
	pg::Writer &writer, const TransferRequest &request, std::optional<int32_t> chain) {
	constexpr int field_count = 11;
	writer.int32(field_count);
	writer.int32(pg::text_oid);
	writer.text_field(request.kind);
	write_int8(writer, request.debit == 0 ? std::nullopt : std::optional(request.debit));
	writer.int32(pg::int8_array_oid);
	if (request.credits.empty())
		writer.null();
	else
		write_int8_array(writer, request.credits, &Credit::account);
	writer.int32(pg::int8_array_oid);
	if (request.amounts)
		write_int8_array(writer, *request.amounts, std::identity());
	else if (request.credits.empty())
		writer.null();
	else
		write_int8_array(writer, request.credits, &Credit::amount);
	writer.int32(pg::text_oid);
	writer.text_field(request.key);
	write_text(writer, pg::text_oid, request.description);
	write_text(writer, pg::jsonb_oid, request.metadata);
	writer.int32(pg::int4_oid);
	if (chain) {
		writer.int32(sizeof *chain);
		writer.int32(*chain);
	} else {
		writer.null();
	}
	write_int8(writer, request.target);
	write_interval(writer, request.expires_in);
	write_text(writer, pg::text_oid, request.principal);
}

std::string text_of(std::optional<std::string_view> field) {
	return std::string(field.value_or(""));
}

std::vector<std::optional<int64_t>> int64_array(std::optional<std::string_view> field) {
	std::vector<std::optional<int64_t>> values;
	for (pg::Reader elements(field.value_or("")); !elements.empty();)
		values.push_back(elements.int64_field());
	return values;
}

// As extension/src/gateway_outcome.hpp has packed it: all columns, in their order.
TransferOutcome read_packed_outcome(pg::Reader &reader) {
	TransferOutcome outcome;
	outcome.code = text_of(reader.field());
	outcome.transfer = reader.int64_field().value_or(0);
	outcome.at = reader.int64_field().value_or(0);
	outcome.kind = text_of(reader.field());
	outcome.currency = text_of(reader.field());
	outcome.debit = reader.int64_field().value_or(0);
	outcome.debit_balance = reader.int64_field();
	outcome.debit_version = reader.int64_field();
	const auto accounts = int64_array(reader.field());
	const auto amounts = int64_array(reader.field());
	for (size_t i = 0; i < accounts.size(); i++)
		outcome.credits.push_back({accounts[i].value(), amounts.at(i).value()});
	outcome.credit_balances = int64_array(reader.field());
	outcome.credit_versions = int64_array(reader.field());
	const auto replayed = reader.field();
	outcome.replayed = replayed && *replayed == std::string_view("\1");
	if (const auto metadata = reader.field())
		outcome.metadata = *metadata;
	outcome.expires_at = reader.int64_field();
	outcome.account = reader.int64_field();
	outcome.balance = reader.int64_field();
	outcome.required = reader.int64_field();
	outcome.available = reader.int64_field();
	outcome.detail = text_of(reader.field());
	return outcome;
}

} // namespace

const char *const outcome_columns =
	"code, transfer, at, kind, currency, debit, debit_balance, debit_version, credits, amounts, "
	"credit_balances, credit_versions, replayed, metadata, expires_at, account, balance, required, "
	"available, detail";

void read_outcome(const pg::Result &result, int row, TransferOutcome &outcome) {
	outcome.code = result.text(row, 0);
	if (!outcome.ok()) {
		outcome.account = result.optional_int8(row, 15);
		outcome.balance = result.optional_int8(row, 16);
		outcome.required = result.optional_int8(row, 17);
		outcome.available = result.optional_int8(row, 18);
		outcome.detail = result.optional_text(row, 19).value_or("");
		return;
	}
	outcome.transfer = result.int8(row, 1);
	outcome.at = result.int8(row, 2);
	outcome.kind = result.text(row, 3);
	outcome.currency = result.text(row, 4);
	outcome.debit = result.int8(row, 5);
	outcome.debit_balance = result.optional_int8(row, 6);
	outcome.debit_version = result.optional_int8(row, 7);
	if (!result.is_null(row, 8)) {
		const auto accounts = result.int8_array(row, 8);
		const auto amounts = result.int8_array(row, 9);
		for (size_t i = 0; i < accounts.size(); i++)
			outcome.credits.push_back({accounts[i], amounts[i]});
	}
	outcome.credit_balances = result.optional_int8_array(row, 10);
	outcome.credit_versions = result.optional_int8_array(row, 11);
	outcome.replayed = result.boolean(row, 12);
	outcome.metadata = result.optional_jsonb(row, 13);
	outcome.expires_at = result.optional_int8(row, 14);
}

pg::Query TransferCall::query(
	const LaneType::Batch &batch, std::chrono::milliseconds lock_timeout) const {
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
	return {"select tokpay.gateway_packed_batch($1, $2)",
		{{0, std::move(requests)}, pg::int4(static_cast<int32_t>(lock_timeout.count()))}};
}

void TransferCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	pg::Reader reader(result.text(0, 0));
	for (const auto &ticket : batch)
		for (size_t i = 0; i < ticket->request.transfers.size(); i++)
			ticket->reply.push_back(read_packed_outcome(reader));
}

pg::Query StatementCall::query(const LaneType::Batch &batch, std::chrono::milliseconds) const {
	const StatementRequest &request = batch.front()->request;
	return {request.sql, request.parameters};
}

void StatementCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	batch.front()->reply = result;
}

} // namespace tokpay
