// balance, balances, history and account_entries: reads under the caller's snapshot.

#include "journal.hpp"
#include "refusal.hpp"

#include <algorithm>

namespace tokpay {

namespace {

[[noreturn]] void raise_not_found(int64 account) {
	raise({.code = Code::account_not_found,
		.account = account,
		.detail = psprintf("There is no account " INT64_FORMAT ".", account)});
}

[[noreturn]] void raise_invalid(const char *detail) {
	raise({.code = Code::invalid_request, .detail = detail});
}

// An entry of an account: one leg of one transfer.
struct Entry {
	int64 version;
	int64 amount; // signed
	int64 balance;
	const JournalRow *transfer;
};

const char *kind_name(char kind) {
	return kind == kind_top_up ? "top_up" : "transfer";
}

// Walks an account's entries from the newest to the oldest: the account's row names its last
// transfer, and every leg names the account's transfer before it. Calls visit(entry) until it
// returns false. An unknown account has no entries.
template<class Visit> void visit_entries(int64 account, Visit visit) {
	Snapshot snapshot = GetActiveSnapshot();
	const Table accounts = open_table("account_state", "account_state_pkey", AccessShareLock);
	const Table journal = open_table("journal", "journal_pkey", AccessShareLock);
	Probe account_probe = begin_probe(accounts, snapshot);
	int64 next =
		probe_row(account_probe, account) ? account_row(account_probe.slot)->last_transfer : 0;
	end_probe(account_probe);

	Probe probe = begin_probe(journal, snapshot);
	MemoryContext per_transfer =
		AllocSetContextCreate(CurrentMemoryContext, "tokpay entries", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(per_transfer);
	bool wanted = true;
	while (next != 0 && wanted) {
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(per_transfer);
		// The scan keeps memory of its own from one row to the next.
		MemoryContextSwitchTo(caller);
		const bool found = probe_row(probe, next);
		MemoryContextSwitchTo(per_transfer);
		if (!found)
			ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("transfer " INT64_FORMAT " of account " INT64_FORMAT " is missing", next,
						account),
					errhint("select * from tokpay.verify() tells more.")));
		const JournalRow row = journal_row(probe.slot);
		if (row.debit == account) {
			wanted = visit(Entry{row.debit_version, -row.amount, row.debit_balance, &row});
			next = row.debit_previous;
			continue;
		}
		// The last leg of the account is its newest entry; the first one links further back.
		next = 0;
		for (size_t i = row.legs.size(); i-- > 0 && wanted;) {
			const Leg &leg = row.legs[i];
			if (leg.account != account)
				continue;
			wanted = visit(Entry{leg.version, leg.amount, leg.balance, &row});
			next = leg.previous;
		}
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(per_transfer);
	end_probe(probe);
	close_table(journal);
	close_table(accounts);
}

// The other side of an entry: the payer of a credit, the payees of a debit without repeats.
Datum counterparties(const Entry &entry) {
	const JournalRow &row = *entry.transfer;
	auto *values = static_cast<Datum *>(palloc((row.legs.size() + 1) * sizeof(Datum)));
	size_t count = 0;
	if (entry.amount > 0) {
		values[count++] = Int64GetDatum(row.debit);
	} else {
		for (const Leg &leg : row.legs)
			values[count++] = Int64GetDatum(leg.account);
		std::sort(values, values + count);
		count = std::unique(values, values + count) - values;
	}
	return PointerGetDatum(construct_array(
		values, static_cast<int>(count), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

bool account_exists(int64 account) {
	const Table accounts = open_table("account_state", "account_state_pkey", AccessShareLock);
	Probe probe = begin_probe(accounts, GetActiveSnapshot());
	const bool exists = probe_row(probe, account);
	end_probe(probe);
	close_table(accounts);
	return exists;
}

} // namespace

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_balance) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise_invalid("account is null.");
	const int64 account = PG_GETARG_INT64(0);
	const Table accounts = open_table("account_state", "account_state_pkey", AccessShareLock);
	Probe probe = begin_probe(accounts, GetActiveSnapshot());
	if (!probe_row(probe, account))
		raise_not_found(account);
	const int64 balance = account_row(probe.slot)->balance;
	end_probe(probe);
	close_table(accounts);
	PG_RETURN_INT64(balance);
}

TOKPAY_FUNCTION(tokpay_balances) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise_invalid("accounts is null.");
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	Datum *ids;
	bool *id_nulls;
	int count;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
		TYPALIGN_DOUBLE, &ids, &id_nulls, &count);

	const Table accounts = open_table("account_state", "account_state_pkey", AccessShareLock);
	Probe probe = begin_probe(accounts, GetActiveSnapshot());
	for (int i = 0; i < count; i++) {
		CHECK_FOR_INTERRUPTS();
		constexpr int columns = 6;
		Datum values[columns] = {ids[i]};
		bool nulls[columns] = {id_nulls[i], true, true, true, true, true};
		if (!id_nulls[i] && probe_row(probe, DatumGetInt64(ids[i]))) {
			const AccountRow &row = *account_row(probe.slot);
			values[1] = Int64GetDatum(row.balance);
			values[2] = Int64GetDatum(row.held);
			values[3] = Int64GetDatum(available(row));
			values[4] = Int64GetDatum(row.version);
			values[5] = PointerGetDatum(account_currency(
				ExecFetchSlotHeapTuple(probe.slot, false, nullptr), accounts.heap->rd_att));
			std::fill(nulls, nulls + columns, false);
			nulls[3] = row.min_balance == no_floor;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	end_probe(probe);
	close_table(accounts);
	return Datum(0);
}

TOKPAY_FUNCTION(tokpay_history) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise_invalid("account is null.");
	if (PG_ARGISNULL(2) || PG_GETARG_INT32(2) < 1)
		raise_invalid("max_rows is 1 or more.");
	const int64 account = PG_GETARG_INT64(0);
	const int64 before = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	int64 rows_left = PG_GETARG_INT32(2);
	const TimestampTz since = PG_ARGISNULL(3) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(3);
	const TimestampTz until = PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4);
	if (!account_exists(account))
		raise_not_found(account);

	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	visit_entries(account, [&](const Entry &entry) {
		const JournalRow &row = *entry.transfer;
		if (row.at < since)
			return false;
		if (entry.version >= before || row.at >= until)
			return true;
		Datum values[] = {Int64GetDatum(entry.version), Int64GetDatum(row.id),
			Int64GetDatum(entry.amount), Int64GetDatum(entry.balance),
			CStringGetTextDatum(kind_name(row.kind)), counterparties(entry),
			PointerGetDatum(row.description), PointerGetDatum(row.metadata),
			TimestampTzGetDatum(row.at)};
		bool nulls[] = {false, false, false, false, false, false, row.description == nullptr,
			row.metadata == nullptr, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		return --rows_left > 0;
	});
	return Datum(0);
}

TOKPAY_FUNCTION(tokpay_account_entries) {
	using namespace tokpay;
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	visit_entries(PG_GETARG_INT64(0), [&](const Entry &entry) {
		const JournalRow &row = *entry.transfer;
		Datum values[] = {Int64GetDatum(entry.version), Int64GetDatum(row.id),
			Int64GetDatum(entry.amount), Int64GetDatum(entry.balance),
			CStringGetTextDatum(kind_name(row.kind)), TimestampTzGetDatum(row.at)};
		bool nulls[] = {false, false, false, false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		return true;
	});
	return Datum(0);
}
