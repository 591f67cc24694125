#include "ledger/ledger.hpp"

#include <algorithm>
#include <functional>
#include <map>

namespace tokpay {

namespace asio = boost::asio;

Epoch read_epoch(pg::Reader &reader) {
	Epoch epoch;
	epoch.incarnation = reader.int64();
	epoch.timeline = reader.int32();
	epoch.counter = reader.int64();
	return epoch;
}

namespace {

std::optional<Epoch> packed_epoch(const pg::Answer &answer) {
	pg::Reader reader(answer.result.text(0, 0));
	return read_epoch(reader);
}

} // namespace

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
	pg::Query query{"select tokpay.gateway_packed_balances($1, $2)", {}};
	query.parameters.push_back(pg::int8_array(accounts));
	query.parameters.push_back(
		limited ? pg::text_array(principals) : pg::Parameter{pg::text_array_oid, {}});
	return query;
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

std::optional<Epoch> BalanceCall::epoch(const pg::Answer &answer) const {
	return packed_epoch(answer);
}

void BalanceCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	pg::Reader reader(result.text(0, 0));
	read_epoch(reader);
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

size_t TransferWork::bytes() const {
	size_t total = 0;
	for (const TransferRequest &transfer : transfers)
		total += sizeof transfer + transfer.credits.size() * sizeof(Credit) + transfer.key.size() +
				 (transfer.description ? transfer.description->size() : 0) +
				 (transfer.metadata ? transfer.metadata->size() : 0);
	return total;
}

asio::awaitable<bool> TransferCall::prepare(pg::Connection &connection) {
	const std::vector<pg::Parameter> none;
	const pg::Query query{"select 'tokpay.gateway_request'::regtype::oid::int8", none};
	const pg::Answer answer = co_await connection.query(query, std::chrono::seconds(2));
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

// Fields of an outcome (gateway_outcome of sql/types.sql, from code on).
constexpr size_t outcome_field_count = 20;

} // namespace

PackedOutcomes::PackedOutcomes(const pg::Result &result, size_t count, pg::Reader &rest)
	: result_(result), bytes_(rest.rest()) {
	for (size_t i = 0; i < count * outcome_field_count; i++)
		rest.field();
	bytes_.remove_suffix(rest.rest().size());
}

TransferOutcome PackedOutcomes::front() const {
	pg::Reader first(bytes_);
	return read(first);
}

TransferOutcome PackedOutcomes::read(pg::Reader &reader) {
	const auto text = [&] { return reader.field().value_or(std::string_view()); };
	TransferOutcome outcome;
	outcome.code = text();
	outcome.transfer = reader.int64_field().value_or(0);
	outcome.at = reader.int64_field().value_or(0);
	outcome.kind = text();
	outcome.currency = text();
	outcome.debit = reader.int64_field().value_or(0);
	outcome.debit_balance = reader.int64_field();
	outcome.debit_version = reader.int64_field();
	outcome.credits = pg::Reader(text());
	outcome.amounts = pg::Reader(text());
	outcome.credit_balances = pg::Reader(text());
	outcome.credit_versions = pg::Reader(text());
	outcome.replayed = text() == std::string_view("\1");
	outcome.metadata = reader.field();
	outcome.expires_at = reader.int64_field();
	outcome.account = reader.int64_field();
	outcome.balance = reader.int64_field();
	outcome.required = reader.int64_field();
	outcome.available = reader.int64_field();
	outcome.detail = text();
	return outcome;
}

pg::Query TransferCall::query(
	const LaneType::Batch &batch, std::chrono::milliseconds lock_timeout) const {
	size_t count = 0;
	for (const auto &ticket : batch)
		count += ticket->request.transfers.size();
	constexpr size_t common_request_bytes = 300;
	std::string requests;
	requests.reserve(count * common_request_bytes);
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
	pg::Query query{"select tokpay.gateway_packed_batch($1, $2)", {}};
	query.parameters.push_back({0, std::move(requests)}); // a braced list would copy it
	query.parameters.push_back(pg::int4(static_cast<int32_t>(lock_timeout.count())));
	return query;
}

std::optional<Epoch> TransferCall::epoch(const pg::Answer &answer) const {
	return packed_epoch(answer);
}

void TransferCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	pg::Reader rest(result.text(0, 0));
	read_epoch(rest);
	for (const auto &ticket : batch)
		ticket->reply = PackedOutcomes(result, ticket->request.transfers.size(), rest);
}

size_t StatementRequest::bytes() const {
	size_t total = sizeof *this;
	for (const pg::Parameter &parameter : parameters)
		total += sizeof parameter + (parameter.value ? parameter.value->size() : 0);
	return total;
}

pg::Query StatementCall::query(const LaneType::Batch &batch, std::chrono::milliseconds) const {
	const StatementRequest &request = batch.front()->request;
	return {request.sql, request.parameters, true};
}

void StatementCall::read(const pg::Result &result, const LaneType::Batch &batch) const {
	batch.front()->reply = result;
}

} // namespace tokpay
