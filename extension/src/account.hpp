// The hot row of an account: probing, locking and updating tokpay.account_state.
#pragma once

#include "postgres.hpp"

namespace tokpay {

constexpr int64 no_floor = PG_INT64_MIN;
constexpr int64 no_ceiling = PG_INT64_MAX;

// account_state as stored, up to its last fixed-width column (sql/tables.sql); the text column
// currency follows.
struct AccountRow {
	int64 id;
	int64 balance;
	int64 held;
	int64 version;
	int64 last_transfer;
	TimestampTz last_at;
	int64 min_balance;
	int64 max_balance;
	char status;
};

// balance - held - min_balance, held within int64; meaningless without a floor.
int64 available(const AccountRow &row);

// One of the extension's tables with its primary key, opened in the caller's lock mode.
struct Table {
	Relation heap;
	Relation primary_key;
};

Table open_table(const char *name, const char *primary_key, LOCKMODE mode);
// Keeps the table locks until the transaction ends, as the executor does.
void close_table(const Table &table);

// Oid of a table, index or sequence in the schema tokpay; an error where it is missing.
Oid relation_oid(const char *name);

// A reader of rows by their bigint primary key under one snapshot, which the caller keeps active.
struct Probe {
	Table table;
	Snapshot snapshot;
	IndexScanDesc scan;
	TupleTableSlot *slot;
};

Probe begin_probe(const Table &table, Snapshot snapshot);
// The row with this id in probe.slot, or false. Valid until the next call.
bool probe_row(Probe &probe, int64 id);
void end_probe(Probe &probe);

// The stored row in a slot, valid as long as the slot's content; currency points into it.
const AccountRow *account_row(TupleTableSlot *slot);
text *account_currency(HeapTuple tuple, TupleDesc descriptor);

// An account locked for the rest of the transaction; row points into tuple, a copy that a transfer
// changes in place and write_accounts stores.
struct Account {
	int64 id;
	HeapTuple tuple = nullptr; // null: no such account
	AccountRow *row = nullptr;
	text *currency = nullptr;
	int64 incoming = 0; // scratch of the evaluation: what the request at hand would add
	bool changed = false;
};

// Locks the accounts in the order given, which is ascending by id, and loads them. The snapshot of
// the call is active. Errors: 40001 where the isolation level demands it.
void lock_accounts(const Table &table, std::span<Account> accounts);

// One update for every changed account.
void write_accounts(const Table &table, std::span<Account> accounts);

} // namespace tokpay
