// What the gateway says to the ledger: the calls of the lanes, as types.
#pragma once

#include "lane.hpp"
#include "pg_connection.hpp"

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace tokpay {

struct Balance {
	int64_t account;
	bool known = false; // the rest is set
	int64_t balance = 0;
	int64_t held = 0;
	std::optional<int64_t> available; // none without a floor
	int64_t version = 0;
	std::string currency;

	bool operator==(const Balance &) const = default;
};

// Reads the balances of some accounts in one snapshot. What the principal (sql/gateway.sql) does
// not reach is unknown; none reaches everything.
struct BalanceRequest {
	std::vector<int64_t> accounts;
	std::optional<std::string> principal = {};

	size_t weight() const { return accounts.size(); }
	bool repeatable() const { return true; }
};

struct BalanceCall {
	using LaneType = Lane<BalanceRequest, std::vector<Balance>>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

struct Credit {
	int64_t account;
	int64_t amount;
};

// A row of tokpay.gateway_request: whatever moves or reserves money.
struct TransferRequest {
	const char *kind = "transfer"; // as in tokpay.transfers
	int64_t debit = 0;			   // of a transfer or hold
	std::vector<Credit> credits;   // of a transfer, hold or top-up
	std::string key;
	std::optional<std::string> description;
	std::optional<std::string> metadata; // JSON text
	std::optional<int32_t> chain;
	std::optional<int64_t> target;				 // what a capture, void or reverse is about
	std::optional<std::vector<int64_t>> amounts; // of a partial capture
	std::optional<int64_t> expires_in;			 // seconds, of a hold; none: never
	std::optional<std::string> principal;
};

// A row of tokpay.gateway_outcome: where code is "ok", the transfer as its principal may see it,
// without balances and versions of accounts out of reach; else what the refusal is about.
struct TransferOutcome {
	std::string code;
	int64_t transfer = 0;
	int64_t at = 0; // microseconds since 2000-01-01 UTC
	std::string kind;
	std::string currency;
	int64_t debit = 0;
	std::optional<int64_t> debit_balance;
	std::optional<int64_t> debit_version;
	std::vector<Credit> credits; // where they follow from a target; else the request has them
	std::vector<std::optional<int64_t>> credit_balances; // empty where no balance changed
	std::vector<std::optional<int64_t>> credit_versions;
	bool replayed = false;
	std::optional<std::string> metadata; // as stored
	std::optional<int64_t> expires_at;
	std::optional<int64_t> account;
	std::optional<int64_t> balance;
	std::optional<int64_t> required;
	std::optional<int64_t> available;
	std::string detail;

	bool ok() const { return code == "ok"; }
};

// The columns of a gateway_outcome, and one that was selected with them.
extern const char *const outcome_columns;
void read_outcome(const pg::Result &result, int row, TransferOutcome &outcome);

// Executes some transfers one after another; every one has a key, so it may be repeated.
struct TransferWork {
	std::vector<TransferRequest> transfers;

	size_t weight() const;
	bool repeatable() const { return true; }

	// Of the accounts that the transfers name: others follow from what they are about.
	template<class Predicate> std::optional<int64_t> find_account(Predicate predicate) const {
		for (const TransferRequest &transfer : transfers) {
			if (transfer.debit != 0 && predicate(transfer.debit))
				return transfer.debit;
			for (const Credit &credit : transfer.credits)
				if (predicate(credit.account))
					return credit.account;
		}
		return std::nullopt;
	}
};

struct TransferCall {
	using LaneType = Lane<TransferWork, std::vector<TransferOutcome>>;

	// Asks for the oid of tokpay.gateway_request, which the binary format needs.
	boost::asio::awaitable<bool> prepare(pg::Connection &connection);
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds lock_timeout) const;
	void read(const pg::Result &result, const LaneType::Batch &batch) const;

	uint32_t request_oid = 0;
};

// Any other statement; these go one at a time.
struct StatementRequest {
	const char *sql;
	std::vector<pg::Parameter> parameters;
	bool may_repeat;

	size_t weight() const { return 1; }
	bool repeatable() const { return may_repeat; }
};

struct StatementCall {
	using LaneType = Lane<StatementRequest, pg::Result>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

} // namespace tokpay
