#include "documents.hpp"

#include <algorithm>

namespace tokpay {

const char *const receipt_columns =
	"id, kind, status, currency, amount, description, metadata, at, key, debit, debit_balance, "
	"debit_version, credits, amounts, credit_balances, credit_versions";

const char *const account_columns = "id, name, currency, balance, held, available, min_balance, "
									"max_balance, status, version, metadata, opened_at";

namespace {

std::optional<json::Raw> raw(const std::optional<std::string> &text) {
	return text ? std::optional(json::Raw{*text}) : std::nullopt;
}

void write_leg(json::Writer &out, const LegDocument &leg, const Caller &caller) {
	const bool visible = caller.reaches(leg.account);
	out.begin_object();
	out.member("account", json::Id{leg.account});
	out.member("amount", leg.amount);
	out.member("balance", visible ? std::optional(leg.balance) : std::nullopt);
	out.member("version", visible ? std::optional(leg.version) : std::nullopt);
	out.end_object();
}

void write_ids(json::Writer &out, std::string_view name, const std::vector<int64_t> &ids) {
	out.name(name);
	out.begin_array();
	for (const int64_t id : ids)
		out.value(json::Id{id});
	out.end_array();
}

} // namespace

TransferDocument transfer_document(
	const TransferRequest &request, const TransferOutcome &outcome, const std::string &currency) {
	TransferDocument document{
		.id = outcome.transfer,
		.kind = "transfer",
		.status = "posted",
		.currency = currency,
		.amount = 0,
		.description = request.description,
		.metadata = request.metadata,
		.at = outcome.at,
		.key = request.key,
		.debit = {request.debit, 0, outcome.debit_balance, outcome.debit_version},
		.credits = {},
	};
	for (size_t i = 0; i < request.credits.size(); i++) {
		const Credit &credit = request.credits[i];
		document.amount += credit.amount;
		document.credits.push_back({credit.account, credit.amount, outcome.credit_balances[i],
			outcome.credit_versions[i]});
	}
	document.debit.amount = document.amount;
	return document;
}

TransferDocument transfer_document(const pg::Result &result, int row) {
	const int64_t amount = result.int8(row, 4);
	TransferDocument document{
		.id = result.int8(row, 0),
		.kind = std::string(result.text(row, 1)),
		.status = std::string(result.text(row, 2)),
		.currency = std::string(result.text(row, 3)),
		.amount = amount,
		.description = result.optional_text(row, 5),
		.metadata = result.optional_jsonb(row, 6),
		.at = result.int8(row, 7),
		.key = result.optional_text(row, 8),
		.debit = {result.int8(row, 9), amount, result.int8(row, 10), result.int8(row, 11)},
		.credits = {},
	};
	const auto accounts = result.int8_array(row, 12);
	const auto amounts = result.int8_array(row, 13);
	const auto balances = result.int8_array(row, 14);
	const auto versions = result.int8_array(row, 15);
	for (size_t i = 0; i < accounts.size(); i++)
		document.credits.push_back({accounts[i], amounts[i], balances[i], versions[i]});
	return document;
}

void write_transfer(json::Writer &out, const TransferDocument &transfer, const Caller &caller) {
	const bool payer = caller.reaches(transfer.debit.account);
	LegDocument debit = transfer.debit;
	if (!payer) {
		debit.amount = 0;
		for (const LegDocument &credit : transfer.credits)
			debit.amount += caller.reaches(credit.account) ? credit.amount : 0;
	}
	out.begin_object();
	out.member("id", json::Id{transfer.id});
	out.member("kind", transfer.kind);
	out.member("status", transfer.status);
	out.member("currency", transfer.currency);
	out.member("amount", debit.amount);
	out.member("description", transfer.description);
	out.member("metadata", payer ? raw(transfer.metadata) : std::nullopt);
	out.member("at", json::Time{transfer.at});
	out.member("key", payer ? transfer.key : std::nullopt);
	out.name("debit");
	write_leg(out, debit, caller);
	out.name("credits");
	out.begin_array();
	for (const LegDocument &credit : transfer.credits)
		if (payer || caller.reaches(credit.account))
			write_leg(out, credit, caller);
	out.end_array();
	for (const char *name : {"hold", "reverses", "reversed_by", "expires_at"})
		out.member(name, std::nullopt);
	out.end_object();
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

void write_entry(json::Writer &out, const pg::Result &result, int row, const Caller &caller) {
	const auto counterparties = result.int8_array(row, 5);
	const int64_t amount = result.int8(row, 2);
	// The metadata is the payer's: for a credit, whoever reaches the one counterparty.
	const bool payer = amount < 0 || std::ranges::all_of(counterparties,
										 [&](int64_t account) { return caller.reaches(account); });
	out.begin_object();
	out.member("version", result.int8(row, 0));
	out.member("transfer", json::Id{result.int8(row, 1)});
	out.member("amount", amount);
	out.member("balance", result.int8(row, 3));
	out.member("kind", result.text(row, 4));
	write_ids(out, "counterparties", counterparties);
	out.name("parties");
	out.begin_array();
	for (const int64_t account : counterparties) {
		out.begin_object();
		out.member("account", json::Id{account});
		out.member("display_name", std::nullopt);
		out.end_object();
	}
	out.end_array();
	out.member("description", result.optional_text(row, 6));
	const auto metadata = result.optional_jsonb(row, 7);
	out.member("metadata", payer ? raw(metadata) : std::nullopt);
	out.member("at", json::Time{result.int8(row, 8)});
	out.end_object();
}

} // namespace tokpay
