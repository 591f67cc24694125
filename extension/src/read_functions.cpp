// balance, balances and gateway_balances: reads under the caller's snapshot.

#include "account.hpp"
#include "principal.hpp"
#include "refusal.hpp"

TOKPAY_FUNCTION(tokpay_balance) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
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

// A row per element of the array in argument 0, in its order; nulls after the first column where
// the account is unknown or reaches(i, account) says no.
template<class Reaches> void put_balances(FunctionCallInfo fcinfo, Reaches reaches) {
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
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
		constexpr int columns = 6;
		Datum values[columns] = {ids[i]};
		bool nulls[columns] = {id_nulls[i], true, true, true, true, true};
		const AccountRow *row = id_nulls[i] || !reaches(i, DatumGetInt64(ids[i]))
									? nullptr
									: reader.find(DatumGetInt64(ids[i]));
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
	}
	reader.end();
	table_close(accounts, NoLock);
}

} // namespace

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_balances) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("accounts is null."));
	InitMaterializedSRF(fcinfo, 0);
	put_balances(fcinfo, [](int, int64) { return true; });
	return Datum(0);
}

TOKPAY_FUNCTION(tokpay_gateway_balances) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0))
		raise(invalid_request("accounts is null."));
	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(1)) {
		put_balances(fcinfo, [](int, int64) { return true; });
		return Datum(0);
	}
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(1);
	Datum *names;
	bool *name_nulls;
	int count;
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &names, &name_nulls, &count);
	if (ArrayGetNItems(ARR_NDIM(PG_GETARG_ARRAYTYPE_P(0)), ARR_DIMS(PG_GETARG_ARRAYTYPE_P(0))) !=
		count)
		raise(invalid_request("There is one principal per account, or principals is null."));
	Principals principals(GetActiveSnapshot());
	put_balances(fcinfo, [&](int i, int64 account) {
		return name_nulls[i] || principals.reaches(DatumGetTextPP(names[i]), account);
	});
	principals.end();
	return Datum(0);
}
