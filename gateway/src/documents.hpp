// The objects of the interface as JSON: account, balance, transfer, entry.
#pragma once

#include "authenticator.hpp"
#include "json_writer.hpp"
#include "ledger.hpp"

#include <string>
#include <vector>

namespace tokpay {

// A leg of a transfer with the balance and version right after it.
struct LegDocument {
	int64_t account;
	int64_t amount;
	int64_t balance;
	int64_t version;
};

struct TransferDocument {
	int64_t id;
	std::string kind;
	std::string status;
	std::string currency;
	int64_t amount;
	std::optional<std::string> description;
	std::optional<std::string> metadata; // JSON text
	int64_t at;
	std::optional<std::string> key;
	LegDocument debit;
	std::vector<LegDocument> credits;
};

// The transfer that answered a request, from the request and its outcome.
TransferDocument transfer_document(
	const TransferRequest &request, const TransferOutcome &outcome, const std::string &currency);

// The columns of tokpay.receipts that make a transfer, and a transfer from a row of them.
extern const char *const receipt_columns;
TransferDocument transfer_document(const pg::Result &result, int row);

// Writes what the caller may see: balances and versions of accounts in reach only; a payee sees the
// payer, its own legs and their sum, no key and no metadata.
void write_transfer(json::Writer &out, const TransferDocument &transfer, const Caller &caller);

void write_balance(json::Writer &out, const Balance &balance);

// The columns of tokpay.accounts that make an account, and an account from a row of them.
extern const char *const account_columns;
void write_account(json::Writer &out, const pg::Result &result, int row);

// A row of tokpay.history as an entry.
void write_entry(json::Writer &out, const pg::Result &result, int row, const Caller &caller);

} // namespace tokpay
