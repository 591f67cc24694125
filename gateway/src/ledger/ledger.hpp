// What the gateway says to the ledger: the calls of the lanes, as types.
#pragma once

#include "ledger/lane.hpp"
#include "ledger/pg_connection.hpp"

#include <optional>
#include <string>
#include <string_view>
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

// Takes the epoch off the front of what the database has packed (extension/src/epoch.hpp).
Epoch read_epoch(pg::Reader &reader);

// Reads the balances of some accounts in one snapshot. What the principal (sql/gateway.sql) does
// not reach is unknown; none reaches everything.
struct BalanceRequest {
	std::vector<int64_t> accounts;
	std::optional<std::string> principal = {};

	size_t weight() const { return accounts.size(); }
	size_t bytes() const { return sizeof *this + accounts.size() * sizeof(int64_t); }
	bool repeatable() const { return true; }
};

struct BalanceCall {
	using LaneType = Lane<BalanceRequest, std::vector<Balance>>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	std::optional<Epoch> epoch(const pg::Answer &answer) const;
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

struct Credit {
	int64_t account;
	int64_t amount;

	bool operator==(const Credit &) const = default;
};

// A row of tokpay.gateway_request: whatever moves or reserves money.
struct TransferRequest {
	std::string_view kind = "transfer"; // as in tokpay.transfers; a literal
	int64_t debit = 0;					// of a transfer or hold
	std::vector<Credit> credits;		// of a transfer, hold or top-up
	std::string key;
	std::optional<std::string> description;
	std::optional<std::string> metadata; // JSON text
	std::optional<int32_t> chain;
	std::optional<int64_t> target;				 // what a capture, void or reverse is about
	std::optional<std::vector<int64_t>> amounts; // of a partial capture
	std::optional<int64_t> expires_in;			 // seconds, of a hold; none: never
	std::optional<std::string> principal;

	bool operator==(const TransferRequest &) const = default;
};

// What became of a request: where code is "ok", the transfer as its principal may see it, without
// balances and versions of accounts out of reach; else what the refusal is about. Texts and lists
// are views of what the database sent.
struct TransferOutcome {
	std::string_view code;
	int64_t transfer = 0;
	int64_t at = 0; // microseconds since 2000-01-01 UTC
	std::string_view kind;
	std::string_view currency;
	int64_t debit = 0;
	std::optional<int64_t> debit_balance;
	std::optional<int64_t> debit_version;
	// Lists of int64 fields. Empty are accounts and amounts where the request has them, balances
	// and versions where no balance changed.
	pg::Reader credits;
	pg::Reader amounts;
	pg::Reader credit_balances;
	pg::Reader credit_versions;
	bool replayed = false;
	std::optional<std::string_view> metadata; // as stored
	std::optional<int64_t> expires_at;
	std::optional<int64_t> account;
	std::optional<int64_t> balance;
	std::optional<int64_t> required;
	std::optional<int64_t> available;
	std::string_view detail;

	bool ok() const { return code == "ok"; }
};

// The outcomes of some requests in their order, as extension/src/gateway_outcome.hpp has packed
// them.
class PackedOutcomes {
public:
	PackedOutcomes() = default;

	// The next count outcomes of those in result, whose epoch has been read.
	PackedOutcomes(const pg::Result &result, size_t count, pg::Reader &rest);

	// Calls visit(outcome) for each; its views live as long as this or a copy.
	template<class Visit> void for_each(Visit visit) const {
		for (pg::Reader rest(bytes_); !rest.empty();)
			visit(read(rest));
	}

	TransferOutcome front() const;

private:
	static TransferOutcome read(pg::Reader &reader);

	pg::Result result_;
	std::string_view bytes_;
};

// Executes some transfers one after another; every one has a key, so it may be repeated.
struct TransferWork {
	std::vector<TransferRequest> transfers;

	size_t weight() const;
	size_t bytes() const;
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
	using LaneType = Lane<TransferWork, PackedOutcomes>;

	// Asks for the oid of tokpay.gateway_request, which the binary format needs.
	boost::asio::awaitable<bool> prepare(pg::Connection &connection);
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds lock_timeout) const;
	std::optional<Epoch> epoch(const pg::Answer &answer) const;
	void read(const pg::Result &result, const LaneType::Batch &batch) const;

	uint32_t request_oid = 0;
};

// Any other statement; these go one at a time.
struct StatementRequest {
	const char *sql;
	std::vector<pg::Parameter> parameters;
	bool may_repeat;

	size_t weight() const { return 1; }
	size_t bytes() const;
	bool repeatable() const { return may_repeat; }
};

struct StatementCall {
	using LaneType = Lane<StatementRequest, pg::Result>;

	boost::asio::awaitable<bool> prepare(pg::Connection &) { co_return true; }
	pg::Query query(const LaneType::Batch &batch, std::chrono::milliseconds) const;
	std::optional<Epoch> epoch(const pg::Answer &answer) const { return answer.epoch; }
	void read(const pg::Result &result, const LaneType::Batch &batch) const;
};

} // namespace tokpay
