// history, balance_at, account_entries and what the gateway asks of entries: walks along an
// account's chain.

#include "account.hpp"
#include "fence.hpp"
#include "journal.hpp"
#include "principal.hpp"
#include "refusal.hpp"
#include "waypoint.hpp"

#include <string_view>

namespace tokpay {

namespace {

// An entry of an account: one leg of one transfer.
struct Entry {
	int64 version;
	int64 amount; // signed
	int64 balance;
	bool is_debit; // the account is the transfer's debited one
	const JournalRow *transfer;
};

// The account's newest transfer; raises account_not_found.
int64 last_transfer(int64 account) {
	Relation heap = open_heap(catalog().account_state, AccessShareLock);
	AccountReader reader(heap, GetActiveSnapshot());
	const AccountRow *row = reader.find(account);
	if (row == nullptr)
		raise(account_not_found(account));
	const int64 last = row->last_transfer;
	reader.end();
	table_close(heap, NoLock);
	return last;
}

// Walks from the newest to the oldest entry: every leg names the account's transfer before it.
// Begins at the first waypoint from which no entry below version `before` and earlier than `until`
// is missed, so entries beyond these bounds come too. Calls visit(entry) until it returns false.
template<class Visit>
void visit_entries(int64 account, int64 before, TimestampTz until, Visit visit) {
	int64 next = last_transfer(account);
	if (const int64 waypoint = waypoint_after(account, before, until); waypoint != 0)
		next = waypoint;
	Relation heap = open_heap(catalog().journal, AccessShareLock);
	JournalReader reader(heap, GetActiveSnapshot());
	MemoryContext per_transfer =
		AllocSetContextCreate(CurrentMemoryContext, "tokpay entries", ALLOCSET_DEFAULT_SIZES);
	bool wanted = true;
	while (next != 0 && wanted) {
		CHECK_FOR_INTERRUPTS();
		const JournalRow *row = reader.by_id(next);
		if (row == nullptr)
			ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("transfer " INT64_FORMAT " of account " INT64_FORMAT " is missing", next,
						account),
					errhint("select * from tokpay.verify() tells more.")));
		MemoryContext caller = MemoryContextSwitchTo(per_transfer);
		next = 0;
		if (row->debit == account) {
			wanted = visit(Entry{row->debit_version, -row->amount, row->debit_balance, true, row});
			next = row->debit_previous;
		}
		// The last leg of the account is its newest entry; the first one links further back.
		for (size_t i = row->legs.size(); i-- > 0 && wanted;) {
			const Leg &leg = row->legs[i];
			if (leg.account != account || leg.amount == 0)
				continue;
			wanted = visit(Entry{leg.version, leg.amount, leg.balance, false, row});
			next = leg.previous;
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(per_transfer);
	}
	MemoryContextDelete(per_transfer);
	reader.end();
	table_close(heap, NoLock);
}

// The other side of an entry: the debited account of a credit, the credited ones of a debit without
// repeats.
Datum counterparties(const Entry &entry) {
	const JournalRow &row = *entry.transfer;
	const auto values = allocate<Datum>(row.legs.size() + 1);
	size_t count = 0;
	if (!entry.is_debit) {
		values[count++] = Int64GetDatum(row.debit);
	} else {
		for (const Leg &leg : row.legs)
			if (leg.amount != 0)
				values[count++] = Int64GetDatum(leg.account);
		const auto found = values.first(count);
		std::ranges::sort(found);
		count = std::unique(found.begin(), found.end()) - found.begin();
	}
	return PointerGetDatum(construct_array(values.data(), static_cast<int>(count), INT8OID,
		sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

// What a page of entries is searched for.
struct EntryFilter {
	std::string_view words;			   // lower case, within the description; empty: any
	char direction = 0;				   // 'i' in, 'o' out, 0 either
	std::optional<int64> counterparty; // on the other side
	std::optional<int64> min_amount;   // of the absolute amount
	std::optional<int64> max_amount;

	bool empty() const {
		return words.empty() && direction == 0 && !counterparty && !min_amount && !max_amount;
	}
	bool matches(const Entry &entry) const;
};

// A text folded as lower() does it.
std::string_view folded(text *value) {
	text *lower_text = DatumGetTextPP(
		DirectFunctionCall1Coll(lower, DEFAULT_COLLATION_OID, PointerGetDatum(value)));
	return {VARDATA_ANY(lower_text), VARSIZE_ANY_EXHDR(lower_text)};
}

bool is_counterparty(const Entry &entry, int64 account) {
	const JournalRow &row = *entry.transfer;
	if (!entry.is_debit)
		return row.debit == account;
	return std::ranges::any_of(
		row.legs, [&](const Leg &leg) { return leg.account == account && leg.amount != 0; });
}

bool EntryFilter::matches(const Entry &entry) const {
	if ((direction == 'i' && entry.amount < 0) || (direction == 'o' && entry.amount > 0))
		return false;
	const uint64 size = entry.amount < 0 ? -static_cast<uint64>(entry.amount) : entry.amount;
	if ((min_amount && size < static_cast<uint64>(*min_amount)) ||
		(max_amount && size > static_cast<uint64>(*max_amount)))
		return false;
	if (counterparty && !is_counterparty(entry, *counterparty))
		return false;
	text *description = entry.transfer->description;
	return words.empty() ||
		   (description != nullptr && folded(description).find(words) != std::string_view::npos);
}

// A search looks at so many entries in one call at most.
constexpr int64 max_searched = 10000;

// in or out, by its first letter.
char direction_argument(text *given) {
	const std::string_view word(VARDATA_ANY(given), VARSIZE_ANY_EXHDR(given));
	if (word != "in" && word != "out")
		raise(invalid_request("direction is in or out."));
	return word.front();
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_history) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
	if (PG_ARGISNULL(2) || PG_GETARG_INT32(2) < 1)
		raise(invalid_request("max_rows is 1 or more."));
	require_leader();
	const int64 before = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	int64 rows_left = PG_GETARG_INT32(2);
	const TimestampTz since = PG_ARGISNULL(3) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(3);
	const TimestampTz until = PG_ARGISNULL(4) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(4);

	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	visit_entries(PG_GETARG_INT64(0), before, until, [&](const Entry &entry) {
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

TOKPAY_FENCED_FUNCTION(tokpay_balance_at) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
	if (PG_ARGISNULL(1))
		raise(invalid_request("at is null."));
	require_leader();
	const TimestampTz at = PG_GETARG_TIMESTAMPTZ(1);
	const TimestampTz until = at == DT_NOBEGIN || at == DT_NOEND ? at : at + 1;
	int64 balance = 0;
	visit_entries(PG_GETARG_INT64(0), PG_INT64_MAX, until, [&](const Entry &entry) {
		if (entry.transfer->at > at)
			return true;
		balance = entry.balance;
		return false;
	});
	PG_RETURN_INT64(balance);
}

TOKPAY_FUNCTION(tokpay_account_entries) {
	using namespace tokpay;
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	visit_entries(PG_GETARG_INT64(0), PG_INT64_MAX, DT_NOEND, [&](const Entry &entry) {
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

// gateway_entries(account, principal, before, max_rows, since, until, q, direction, counterparty,
// min_amount, max_amount)
TOKPAY_FENCED_FUNCTION(tokpay_gateway_entries) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
	if (PG_ARGISNULL(3) || PG_GETARG_INT32(3) < 1)
		raise(invalid_request("max_rows is 1 or more."));
	const int64 account = PG_GETARG_INT64(0);
	text *principal = PG_ARGISNULL(1) ? nullptr : PG_GETARG_TEXT_PP(1);
	const int64 before = PG_ARGISNULL(2) ? PG_INT64_MAX : PG_GETARG_INT64(2);
	int64 rows_left = PG_GETARG_INT32(3);
	const TimestampTz since = PG_ARGISNULL(4) ? DT_NOBEGIN : PG_GETARG_TIMESTAMPTZ(4);
	const TimestampTz until = PG_ARGISNULL(5) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(5);
	const auto number = [&](int i) {
		return PG_ARGISNULL(i) ? std::nullopt : std::optional(PG_GETARG_INT64(i));
	};
	EntryFilter filter{
		.counterparty = number(8), .min_amount = number(9), .max_amount = number(10)};
	if (!PG_ARGISNULL(6))
		filter.words = folded(PG_GETARG_TEXT_PP(6));
	if (!PG_ARGISNULL(7))
		filter.direction = direction_argument(PG_GETARG_TEXT_PP(7));

	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	Principals principals(GetActiveSnapshot());
	if (!principals.reaches(principal, account))
		raise(account_not_found(account));
	int64 searched = 0;
	visit_entries(account, before, until, [&](const Entry &entry) {
		const JournalRow &row = *entry.transfer;
		if (row.at < since)
			return false;
		if (entry.version >= before || row.at >= until)
			return true;
		constexpr int columns = 9;
		Datum values[columns] = {Int64GetDatum(entry.version)};
		bool nulls[columns] = {false, true, true, true, true, true, true, true, true};
		const bool found = filter.matches(entry);
		// Where an entry was found one more is looked at: what ends a search is a row without one.
		const bool last = !filter.empty() && ++searched >= max_searched && !found;
		if (found) {
			// The metadata is the payer's.
			const bool payer = entry.is_debit || principals.reaches(principal, row.debit);
			values[1] = Int64GetDatum(row.id);
			values[2] = Int64GetDatum(entry.amount);
			values[3] = Int64GetDatum(entry.balance);
			values[4] = CStringGetTextDatum(kind_name(row.kind));
			values[5] = counterparties(entry);
			values[6] = PointerGetDatum(row.description);
			values[7] = PointerGetDatum(row.metadata);
			values[8] = TimestampTzGetDatum(row.at);
			std::fill(nulls, nulls + columns, false);
			nulls[6] = row.description == nullptr;
			nulls[7] = row.metadata == nullptr || !payer;
		}
		if (found || last)
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		rows_left -= found ? 1 : 0;
		return rows_left > 0 && !last;
	});
	principals.end();
	return Datum(0);
}

// account_flows(account, since, until, max_entries): a row per counterparty of every entry.
TOKPAY_FENCED_FUNCTION(tokpay_account_flows) {
	using namespace tokpay;
	require_leader();
	const int64 account = PG_GETARG_INT64(0);
	const TimestampTz since = PG_GETARG_TIMESTAMPTZ(1);
	const TimestampTz until = PG_GETARG_TIMESTAMPTZ(2);
	int64 entries_left = PG_GETARG_INT32(3);
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	const auto put = [&](const Entry &entry, int64 counterparty, int64 amount) {
		Datum values[] = {TimestampTzGetDatum(entry.transfer->at), Int64GetDatum(counterparty),
			Int64GetDatum(amount)};
		bool nulls[] = {false, false, false};
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	};
	visit_entries(account, PG_INT64_MAX, until, [&](const Entry &entry) {
		const JournalRow &row = *entry.transfer;
		if (row.at < since)
			return false;
		if (row.at >= until)
			return true;
		if (entries_left-- == 0)
			raise(
				invalid_request("There are too many entries in this time; ask for a shorter one."));
		if (!entry.is_debit)
			put(entry, row.debit, entry.amount);
		else
			for (const Leg &leg : row.legs)
				if (leg.amount != 0)
					put(entry, leg.account, -leg.amount);
		return true;
	});
	return Datum(0);
}
