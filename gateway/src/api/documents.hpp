// The objects of the interface as JSON: account, balance, transfer, entry. The database has left
// out what the caller may not see.
#pragma once

#include "ledger/ledger.hpp"
#include "ledger/names.hpp"
#include "text/json_writer.hpp"

#include <string>
#include <vector>

namespace tokpay {

// A leg of a transfer, with the balance and version right after it where the caller may see them.
struct LegDocument {
	int64_t account;
	int64_t amount;
	std::optional<int64_t> balance;
	std::optional<int64_t> version;
};

// Its texts are those of what it was made of.
struct TransferDocument {
	int64_t id;
	std::string_view kind;
	std::string_view status;
	std::string_view currency;
	std::optional<std::string_view> description;
	std::optional<std::string_view> metadata; // JSON text
	int64_t at;
	std::optional<std::string_view> key;
	LegDocument debit;
	std::vector<LegDocument> credits;
	std::optional<int64_t> hold;
	std::optional<int64_t> reverses;
	std::optional<int64_t> reversed_by;
	std::optional<int64_t> expires_at;
};

// The transfer that answered a request, as it was right after it.
TransferDocument transfer_document(const TransferRequest &request, const TransferOutcome &outcome);

// The columns of tokpay.receipts that make a transfer, and a transfer from a row of them.
extern const char *const receipt_columns;
TransferDocument transfer_document(const pg::Result &result, int row);

void write_transfer(json::Writer &out, const TransferDocument &transfer);

// The same with who the accounts are, each once: those in accounts_of(); and what payees have given
// back, rows of tokpay.gateway_refunds().
void write_transfer(json::Writer &out, const TransferDocument &transfer, const Names &names,
	const pg::Result &refunds);
std::vector<int64_t> accounts_of(const TransferDocument &transfer);

// More than most transfers take: what is worth reserving.
constexpr size_t common_transfer_bytes = 640;

void write_balance(json::Writer &out, const Balance &balance);

// The same for balances.
constexpr size_t common_balance_bytes = 128;

// The columns of tokpay.accounts that make an account, and an account from a row of them.
extern const char *const account_columns;
void write_account(json::Writer &out, const pg::Result &result, int row);

// The columns of tokpay.gateway_entries that make an entry, and an entry from a row of them, after
// the members that come before it in its object.
extern const char *const entry_columns;
void write_entry_members(json::Writer &out, const pg::Result &result, int row, const Names &names);
void write_entry(json::Writer &out, const pg::Result &result, int row, const Names &names);

} // namespace tokpay
