#include "api/documents.hpp"

namespace tokpay {

const char *const receipt_columns =
	"id, kind, status, currency, amount, description, metadata, at, key, debit, debit_balance, "
	"debit_version, credits, amounts, credit_balances, credit_versions, hold, reverses, "
	"reversed_by, expires_at";

const char *const account_columns = "id, name, currency, balance, held, available, min_balance, "
									"max_balance, status, version, metadata, opened_at";

const char *const entry_columns =
	"version, transfer, amount, balance, kind, counterparties, description, metadata, at";

namespace {

std::optional<json::Raw> raw(std::optional<std::string_view> text) {
	return text ? std::optional(json::Raw{*text}) : std::nullopt;
}

std::optional<json::Id> id(std::optional<int64_t> value) {
	return value ? std::optional(json::Id{*value}) : std::nullopt;
}

// Element i of an array that may be missing.
std::optional<int64_t> element(const std::vector<std::optional<int64_t>> &values, size_t i) {
	return i < values.size() ? values[i] : std::nullopt;
}

// The next of a list that may be over.
std::optional<int64_t> next(pg::Reader &list) {
	return list.empty() ? std::nullopt : list.int64_field();
}

void write_leg(json::Writer &out, const LegDocument &leg) {
	out.begin_object();
	out.member("account", json::Id{leg.account});
	out.member("amount", leg.amount);
	out.member("balance", leg.balance);
	out.member("version", leg.version);
	out.end_object();
}

} // namespace

TransferDocument transfer_document(const TransferRequest &request, const TransferOutcome &outcome) {
	const bool is_hold = outcome.kind == "hold";
	const bool reverses = outcome.kind == "reverse";
	// Who does not reach the payer sees no key either: a top-up's, which has its account in it.
	const bool payer = outcome.debit_version.has_value();
	TransferDocument document{
		.id = outcome.transfer,
		.kind = outcome.kind,
		.status = is_hold ? "pending" : "posted",
		.currency = outcome.currency,
		.description = request.description,
		.metadata = outcome.metadata,
		.at = outcome.at,
		.key = payer ? std::optional<std::string_view>(request.key) : std::nullopt,
		.debit = {outcome.debit, 0, outcome.debit_balance, outcome.debit_version},
		.credits = {},
		.hold = reverses ? std::nullopt : request.target,
		.reverses = reverses ? request.target : std::nullopt,
		.reversed_by = {},
		.expires_at = outcome.expires_at,
	};
	pg::Reader accounts = outcome.credits;
	pg::Reader amounts = outcome.amounts;
	pg::Reader balances = outcome.credit_balances;
	pg::Reader versions = outcome.credit_versions;
	const auto add = [&](int64_t account, int64_t amount) {
		document.debit.amount += amount;
		document.credits.push_back({account, amount, next(balances), next(versions)});
	};
	if (accounts.empty())
		for (const Credit &credit : request.credits)
			add(credit.account, credit.amount);
	else
		while (!accounts.empty())
			add(next(accounts).value(), next(amounts).value());
	return document;
}

TransferDocument transfer_document(const pg::Result &result, int row) {
	TransferDocument document{
		.id = result.int8(row, 0),
		.kind = result.text(row, 1),
		.status = result.text(row, 2),
		.currency = result.text(row, 3),
		.description = result.optional_text(row, 5),
		.metadata = result.optional_jsonb(row, 6),
		.at = result.int8(row, 7),
		.key = result.optional_text(row, 8),
		.debit = {result.int8(row, 9), result.int8(row, 4), result.optional_int8(row, 10),
			result.optional_int8(row, 11)},
		.credits = {},
		.hold = result.optional_int8(row, 16),
		.reverses = result.optional_int8(row, 17),
		.reversed_by = result.optional_int8(row, 18),
		.expires_at = result.optional_int8(row, 19),
	};
	const auto accounts = result.int8_array(row, 12);
	const auto amounts = result.int8_array(row, 13);
	const auto balances = result.optional_int8_array(row, 14);
	const auto versions = result.optional_int8_array(row, 15);
	for (size_t i = 0; i < accounts.size(); i++)
		document.credits.push_back(
			{accounts[i], amounts[i], element(balances, i), element(versions, i)});
	return document;
}

namespace {

void write_transfer_members(json::Writer &out, const TransferDocument &transfer) {
	out.member("id", json::Id{transfer.id});
	out.member("kind", transfer.kind);
	out.member("status", transfer.status);
	out.member("currency", transfer.currency);
	out.member("amount", transfer.debit.amount);
	out.member("description", transfer.description);
	out.member("metadata", raw(transfer.metadata));
	out.member("at", json::Time{transfer.at});
	out.member("key", transfer.key);
	out.name("debit");
	write_leg(out, transfer.debit);
	out.name("credits");
	out.begin_array();
	for (const LegDocument &credit : transfer.credits)
		write_leg(out, credit);
	out.end_array();
	out.member("hold", id(transfer.hold));
	out.member("reverses", id(transfer.reverses));
	out.member("reversed_by", id(transfer.reversed_by));
	out.member("expires_at",
		transfer.expires_at ? std::optional(json::Time{*transfer.expires_at}) : std::nullopt);
}

void write_parties(json::Writer &out, const std::vector<int64_t> &accounts, const Names &names) {
	out.name("parties");
	out.begin_array();
	for (const int64_t account : accounts) {
		out.begin_object();
		out.member("account", json::Id{account});
		out.member("display_name", names.find(account));
		out.end_object();
	}
	out.end_array();
}

} // namespace

void write_transfer(json::Writer &out, const TransferDocument &transfer) {
	out.begin_object();
	write_transfer_members(out, transfer);
	out.end_object();
}

void write_transfer(json::Writer &out, const TransferDocument &transfer, const Names &names,
	const pg::Result &refunds) {
	out.begin_object();
	write_transfer_members(out, transfer);
	write_parties(out, accounts_of(transfer), names);
	out.name("refunded");
	out.begin_array();
	for (int row = 0; row < refunds.rows(); row++) {
		out.begin_object();
		out.member("account", json::Id{refunds.int8(row, 0)});
		out.member("amount", refunds.int8(row, 1));
		out.end_object();
	}
	out.end_array();
	out.end_object();
}

std::vector<int64_t> accounts_of(const TransferDocument &transfer) {
	std::vector<int64_t> accounts(1, transfer.debit.account);
	for (const LegDocument &credit : transfer.credits)
		accounts.push_back(credit.account);
	return distinct(std::move(accounts));
}

void write_balance(json::Writer &out, const Balance &balance) {
	const auto known = [&](int64_t value) {
		return balance.known ? std::optional(value) : std::nullopt;
	};
	out.begin_object();
	out.member("account", json::Id{balance.account});
	out.member("currency", balance.known ? std::optional(balance.currency) : std::nullopt);
	out.member("balance", known(balance.balance));
	out.member("held", known(balance.held));
	out.member("available", balance.available);
	out.member("version", known(balance.version));
	out.end_object();
}

void write_account(json::Writer &out, const pg::Result &result, int row) {
	out.begin_object();
	out.member("id", json::Id{result.int8(row, 0)});
	out.member("name", result.optional_text(row, 1));
	out.member("currency", result.text(row, 2));
	out.member("balance", result.int8(row, 3));
	out.member("held", result.int8(row, 4));
	out.member("available", result.optional_int8(row, 5));
	out.member("min_balance", result.optional_int8(row, 6));
	out.member("max_balance", result.optional_int8(row, 7));
	out.member("status", result.text(row, 8));
	out.member("version", result.int8(row, 9));
	out.member("metadata", json::Raw{result.jsonb(row, 10)});
	out.member("opened_at", json::Time{result.int8(row, 11)});
	out.end_object();
}

void write_entry_members(json::Writer &out, const pg::Result &result, int row, const Names &names) {
	const auto counterparties = result.int8_array(row, 5);
	out.member("version", result.int8(row, 0));
	out.member("transfer", json::Id{result.int8(row, 1)});
	out.member("amount", result.int8(row, 2));
	out.member("balance", result.int8(row, 3));
	out.member("kind", result.text(row, 4));
	out.name("counterparties");
	out.begin_array();
	for (const int64_t account : counterparties)
		out.value(json::Id{account});
	out.end_array();
	write_parties(out, counterparties, names);
	out.member("description", result.optional_text(row, 6));
	out.member("metadata", raw(result.optional_jsonb(row, 7)));
	out.member("at", json::Time{result.int8(row, 8)});
}

void write_entry(json::Writer &out, const pg::Result &result, int row, const Names &names) {
	out.begin_object();
	write_entry_members(out, result, row, names);
	out.end_object();
}

} // namespace tokpay
