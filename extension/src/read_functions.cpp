// balance, balances and the gateway's kinds of it: reads under the caller's snapshot.

#include "account.hpp"
#include "epoch.hpp"
#include "fence.hpp"
#include "principal.hpp"
#include "refusal.hpp"

TOKPAY_FENCED_FUNCTION(tokpay_balance) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
	require_leader();
	const int64 account = PG_GETARG_INT64(0);
	Relation accounts = open_heap(catalog().account_state, AccessShareLock);
	AccountReader reader(accounts, GetActiveSnapshot());
	const AccountRow *row = reader.find(account);
	if (row == nullptr)
		raise(account_not_found(account));
	const int64 balance = row->balance;
	reader.end();
	table_close(accounts, NoLock);
	PG_RETURN_INT64(balance);
}

namespace tokpay {

namespace {

// Calls put(id, row, reader) for each element of the array in argument 0, in its order; row is null
// where the account is unknown or reaches(i, account) says no, id where the element is.
template<class Reaches, class Put>
void read_balances(FunctionCallInfo fcinfo, Reaches reaches, Put put) {
	Datum *ids;
	bool *id_nulls;
	int count;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
		TYPALIGN_DOUBLE, &ids, &id_nulls, &count);

	Relation accounts = open_heap(catalog().account_state, AccessShareLock);
	AccountReader reader(accounts, GetActiveSnapshot());
	for (int i = 0; i < count; i++) {
		CHECK_FOR_INTERRUPTS();
		reader.look_ahead(i, count, [&](size_t j) { return DatumGetInt64(ids[j]); });
		const std::optional<int64> id =
			id_nulls[i] ? std::nullopt : std::optional(DatumGetInt64(ids[i]));
		put(id, id && reaches(i, *id) ? reader.find(*id) : nullptr, reader);
	}
	reader.end();
	table_close(accounts, NoLock);
}

// The same with principals in argument 1, one for each account or none at all.
template<class Put> void read_reached_balances(FunctionCallInfo fcinfo, Put put) {
	if (PG_ARGISNULL(1))
		return read_balances(
			fcinfo, [](int, int64) { return true; }, put);
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Datum *names;
	bool *name_nulls;
	int count;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &name_nulls, &count);
	if (ArrayGetNItems(ARR_NDIM(PG_GETARG_ARRAYTYPE_P(0)), ARR_DIMS(PG_GETARG_ARRAYTYPE_P(0))) !=
		count)
		raise(invalid_request("There is one principal per account, or principals is null."));
	Principals principals(GetActiveSnapshot());
	read_balances(
		fcinfo,
		[&](int i, int64 account) {
			return name_nulls[i] || principals.reaches(DatumGetTextPP(names[i]), account);
		},
		put);
	principals.end();
}

// Puts a balance as a row, with nulls after the first column where there is none.
auto as_rows(FunctionCallInfo fcinfo) {
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	return [result](std::optional<int64> id, const AccountRow *row, AccountReader &reader) {
		constexpr int columns = 6;
		Datum values[columns] = {Int64GetDatum(id.value_or(0))};
		bool nulls[columns] = {!id, true, true, true, true, true};
		if (row != nullptr) {
			values[1] = Int64GetDatum(row->balance);
			values[2] = Int64GetDatum(row->held);
			values[3] = Int64GetDatum(available(*row));
			values[4] = Int64GetDatum(row->version);
			values[5] = PointerGetDatum(reader.currency());
			std::fill(nulls, nulls + columns, false);
			nulls[3] = row->min_balance == no_floor;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	};
}

// Puts a balance as bytes, integers in network order:
//   0                     an account that is unknown or out of reach
//   1 balance:int64 held:int64 available:int64 version:int64 size:int32 currency:bytes
//   2 ...                 the same without a floor, where available is 0
auto as_bytes(StringInfo bytes) {
	return [bytes](std::optional<int64>, const AccountRow *row, AccountReader &reader) {
		if (row == nullptr)
			return pq_sendint8(bytes, 0);
		const bool has_floor = row->min_balance != no_floor;
		pq_sendint8(bytes, has_floor ? 1 : 2);
		pq_sendint64(bytes, row->balance);
		pq_sendint64(bytes, row->held);
		pq_sendint64(bytes, has_floor ? available(*row) : 0);
		pq_sendint64(bytes, row->version);
		text *currency = reader.currency();
		send_counted_text(
			bytes, VARDATA_ANY(currency), static_cast<int>(VARSIZE_ANY_EXHDR(currency)));
	};
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_balances) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid_request("accounts is null."));
	require_leader();
	read_balances(
		fcinfo, [](int, int64) { return true; }, as_rows(fcinfo));
	return Datum(0);
}

TOKPAY_FENCED_FUNCTION(tokpay_gateway_balances) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("accounts is null."));
	read_reached_balances(fcinfo, as_rows(fcinfo));
	return Datum(0);
}

TOKPAY_FENCED_FUNCTION(tokpay_gateway_packed_balances) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("accounts is null."));
	StringInfoData bytes;
	pq_begintypsend(&bytes);
	pack_epoch(&bytes);
	read_reached_balances(fcinfo, as_bytes(&bytes));
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}
