// transfer, transfer_batch, top_up and transfer_by_key: SQL values in, the engine, SQL values out.

#include "transfer.hpp"

#include <new>

namespace tokpay {

namespace {

Refusal invalid(const char *detail) {
	return {.code = Code::invalid_request, .detail = detail};
}

// The elements of a one-dimensional bigint[] without nulls.
Refusal read_bigints(const char *name, ArrayType *array, std::span<const int64> *values) {
	if (array == nullptr)
		return invalid(psprintf("%s is null.", name));
	const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (count == 0)
		return invalid(psprintf("%s is empty.", name));
	if (ARR_NDIM(array) != 1)
		return invalid(psprintf("%s has more than one dimension.", name));
	if (array_contains_nulls(array))
		return invalid(psprintf("%s has a null element.", name));
	*values = {reinterpret_cast<const int64 *>(ARR_DATA_PTR(array)), static_cast<size_t>(count)};
	return {};
}

Refusal read_credits(ArrayType *accounts, ArrayType *amounts, std::span<const Credit> *credits) {
	std::span<const int64> ids;
	std::span<const int64> values;
	if (Refusal refusal = read_bigints("credits", accounts, &ids); refusal.code != Code::ok)
		return refusal;
	if (Refusal refusal = read_bigints("amounts", amounts, &values); refusal.code != Code::ok)
		return refusal;
	if (ids.size() != values.size())
		return invalid(
			psprintf("There are %zu credits and %zu amounts.", ids.size(), values.size()));
	if (ids.size() > max_credits_per_transfer)
		return invalid(psprintf("There are %zu credits; a transfer has at most %d.", ids.size(),
			max_credits_per_transfer));
	auto *read = static_cast<Credit *>(palloc(ids.size() * sizeof(Credit)));
	for (size_t i = 0; i < ids.size(); i++) {
		if (values[i] <= 0)
			return invalid(psprintf(
				"amounts[%zu] is " INT64_FORMAT "; an amount is positive.", i + 1, values[i]));
		new (read + i) Credit{ids[i], values[i]};
	}
	*credits = {read, ids.size()};
	return {};
}

Refusal check_texts(const Request &request) {
	if (request.key != nullptr)
		if (const size_t size = VARSIZE_ANY_EXHDR(request.key); size < 1 || size > max_key_bytes)
			return invalid(psprintf("key has %zu bytes; a key has 1 to %d.", size, max_key_bytes));
	if (request.description != nullptr &&
		VARSIZE_ANY_EXHDR(request.description) > max_description_bytes)
		return invalid(psprintf("description has more than %d bytes.", max_description_bytes));
	if (request.metadata != nullptr && VARSIZE_ANY_EXHDR(request.metadata) > max_metadata_bytes)
		return invalid(psprintf("metadata has more than %d bytes.", max_metadata_bytes));
	return {};
}

// Arguments or fields in the order debit, credits, amounts, key, description, metadata.
Request read_request(const NullableDatum *fields) {
	const auto array = [&](int i) {
		return fields[i].isnull ? nullptr : DatumGetArrayTypeP(fields[i].value);
	};
	const auto packed_text = [&](int i) {
		return fields[i].isnull ? nullptr : DatumGetTextPP(fields[i].value);
	};
	Request request;
	request.key = packed_text(3);
	request.description = packed_text(4);
	request.metadata = fields[5].isnull ? nullptr : DatumGetJsonbP(fields[5].value);
	if (fields[0].isnull) {
		request.refusal = invalid("debit is null.");
		return request;
	}
	request.debit = DatumGetInt64(fields[0].value);
	request.refusal = read_credits(array(1), array(2), &request.credits);
	if (request.refusal.code == Code::ok)
		request.refusal = check_texts(request);
	return request;
}

// Work of one call in memory of its own, so that a statement of many calls does not grow.
class CallMemory {
public:
	CallMemory()
		: caller_(MemoryContextSwitchTo(
			  AllocSetContextCreate(CurrentMemoryContext, "tokpay call", ALLOCSET_DEFAULT_SIZES))),
		  call_(CurrentMemoryContext) {}

	void back_to_caller() { MemoryContextSwitchTo(caller_); }
	void back_to_call() { MemoryContextSwitchTo(call_); }
	void release() {
		back_to_caller();
		MemoryContextDelete(call_);
	}

private:
	MemoryContext caller_;
	MemoryContext call_;
};

constexpr int result_columns = 7; // transfer .. replayed

Datum leg_array(std::span<const Leg> legs, int64 Leg::*member) {
	auto *values = static_cast<Datum *>(palloc(legs.size() * sizeof(Datum)));
	for (size_t i = 0; i < legs.size(); i++)
		values[i] = Int64GetDatum(legs[i].*member);
	return PointerGetDatum(construct_array(values, static_cast<int>(legs.size()), INT8OID,
		sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void fill_result(const JournalRow &row, bool replayed, Datum *values) {
	values[0] = Int64GetDatum(row.id);
	values[1] = TimestampTzGetDatum(row.at);
	values[2] = Int64GetDatum(row.debit_balance);
	values[3] = Int64GetDatum(row.debit_version);
	values[4] = leg_array(row.legs, &Leg::balance);
	values[5] = leg_array(row.legs, &Leg::version);
	values[6] = BoolGetDatum(replayed);
}

Datum result_tuple(FunctionCallInfo fcinfo, const JournalRow &row, bool replayed) {
	TupleDesc descriptor;
	if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "transfer_result is not a composite type");
	Datum values[result_columns];
	bool nulls[result_columns] = {};
	fill_result(row, replayed, values);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

// A batch of one that raises its refusal.
Datum execute_one(FunctionCallInfo fcinfo, const Request &request, CallMemory &memory) {
	Outcome outcome;
	if (request.refusal.code != Code::ok)
		raise(request.refusal);
	execute_transfers({&request, 1}, {&outcome, 1});
	if (outcome.refusal.code != Code::ok)
		raise(outcome.refusal);
	memory.back_to_caller();
	const Datum result = result_tuple(fcinfo, outcome.row, outcome.replayed);
	memory.release();
	return result;
}

std::span<Request> read_requests(ArrayType *array) {
	Datum *elements;
	bool *nulls;
	int count;
	const Oid type = ARR_ELEMTYPE(array);
	deconstruct_array(array, type, -1, false, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	if (count > max_requests_per_batch)
		raise(invalid(psprintf(
			"There are %d requests; a batch has at most %d.", count, max_requests_per_batch)));

	constexpr int field_count = 7;
	TupleDesc descriptor = lookup_rowtype_tupdesc_copy(type, -1);
	auto *requests = static_cast<Request *>(palloc(std::max(count, 1) * sizeof(Request)));
	size_t credit_count = 0;
	for (int i = 0; i < count; i++) {
		Request *request = new (requests + i) Request;
		if (nulls[i]) {
			request->refusal = invalid("The request is null.");
			continue;
		}
		HeapTupleHeader header = DatumGetHeapTupleHeader(elements[i]);
		HeapTupleData tuple;
		tuple.t_len = HeapTupleHeaderGetDatumLength(header);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		tuple.t_data = header;
		Datum values[field_count];
		bool is_null[field_count];
		heap_deform_tuple(&tuple, descriptor, values, is_null);
		NullableDatum fields[field_count];
		for (int field = 0; field < field_count; field++)
			fields[field] = {values[field], is_null[field]};
		*request = read_request(fields);
		if (!fields[6].isnull && request->refusal.code == Code::ok)
			request->refusal = invalid("chain is not supported by this version.");
		credit_count += request->credits.size();
	}
	if (credit_count > max_credits_per_batch)
		raise(invalid(psprintf("There are %zu credits; a batch has at most %d.", credit_count,
			max_credits_per_batch)));
	return {requests, static_cast<size_t>(count)};
}

void put_outcome(ReturnSetInfo *result, int position, const Outcome &outcome) {
	constexpr int columns = 13;
	Datum values[columns] = {};
	bool nulls[columns];
	const Refusal &refusal = outcome.refusal;
	const bool ok = refusal.code == Code::ok;
	for (int i = 2; i < 2 + result_columns; i++)
		nulls[i] = !ok;
	if (ok)
		fill_result(outcome.row, outcome.replayed, values + 2);
	values[0] = Int32GetDatum(position);
	nulls[0] = false;
	values[1] = CStringGetTextDatum(code_name(refusal.code));
	nulls[1] = false;
	values[9] = Int64GetDatum(refusal.account);
	nulls[9] = refusal.account == 0;
	values[10] = Int64GetDatum(refusal.balance);
	values[11] = Int64GetDatum(refusal.required);
	nulls[10] = nulls[11] = !refusal.has_amounts;
	nulls[12] = refusal.detail == nullptr;
	if (refusal.detail != nullptr)
		values[12] = CStringGetTextDatum(refusal.detail);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

// The funding account of the account's currency.
int64 funding_account(int64 account) {
	PushActiveSnapshot(GetTransactionSnapshot());
	const Table states = open_table("account_state", "account_state_pkey", AccessShareLock);
	Probe probe = begin_probe(states, GetActiveSnapshot());
	if (!probe_row(probe, account))
		raise({.code = Code::account_not_found,
			.account = account,
			.detail = psprintf("There is no account " INT64_FORMAT ".", account)});
	const char *name = psprintf("funding/%s",
		text_to_cstring(account_currency(
			ExecFetchSlotHeapTuple(probe.slot, false, nullptr), RelationGetDescr(states.heap))));
	end_probe(probe);
	close_table(states);

	const Table names = open_table("account_info", "account_info_name_key", AccessShareLock);
	ScanKeyData key;
	ScanKeyEntryInitialize(&key, 0, 1, BTEqualStrategyNumber, InvalidOid, C_COLLATION_OID, F_TEXTEQ,
		CStringGetTextDatum(name));
	IndexScanDesc scan = begin_index_scan(names.heap, names.primary_key, GetActiveSnapshot(), 1);
	TupleTableSlot *slot = table_slot_create(names.heap, nullptr);
	index_rescan(scan, &key, 1, nullptr, 0);
	if (!index_getnext_slot(scan, ForwardScanDirection, slot))
		elog(ERROR, "account %s is missing", name);
	bool is_null;
	const int64 funding = DatumGetInt64(slot_getattr(slot, 1, &is_null));
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	close_table(names);
	PopActiveSnapshot();
	return funding;
}

} // namespace

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_transfer) {
	tokpay::CallMemory memory;
	return tokpay::execute_one(fcinfo, tokpay::read_request(fcinfo->args), memory);
}

TOKPAY_FUNCTION(tokpay_transfer_batch) {
	using namespace tokpay;
	if (PG_ARGISNULL(0))
		raise(invalid("requests is null."));
	InitMaterializedSRF(fcinfo, 0);
	CallMemory memory;
	const auto requests = read_requests(PG_GETARG_ARRAYTYPE_P(0));
	auto *outcomes =
		static_cast<Outcome *>(palloc(std::max<size_t>(requests.size(), 1) * sizeof(Outcome)));
	for (size_t i = 0; i < requests.size(); i++)
		new (outcomes + i) Outcome;
	execute_transfers(requests, {outcomes, requests.size()});
	for (size_t i = 0; i < requests.size(); i++)
		put_outcome(reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo), static_cast<int>(i) + 1,
			outcomes[i]);
	memory.release();
	return Datum(0);
}

TOKPAY_FUNCTION(tokpay_top_up) {
	using namespace tokpay;
	CallMemory memory;
	Request request;
	request.kind = kind_top_up;
	request.key = PG_ARGISNULL(2) ? nullptr : PG_GETARG_TEXT_PP(2);
	request.description = PG_ARGISNULL(3) ? nullptr : PG_GETARG_TEXT_PP(3);
	if (PG_ARGISNULL(0))
		raise(invalid("account is null."));
	if (PG_ARGISNULL(1))
		raise(invalid("amount is null."));
	const Credit credit = {PG_GETARG_INT64(0), PG_GETARG_INT64(1)};
	if (credit.amount <= 0)
		raise(
			invalid(psprintf("amount is " INT64_FORMAT "; an amount is positive.", credit.amount)));
	request.credits = {&credit, 1};
	request.refusal = check_texts(request);
	if (request.refusal.code == Code::ok) {
		require_leader();
		request.debit = funding_account(credit.account);
	}
	return execute_one(fcinfo, request, memory);
}

TOKPAY_FUNCTION(tokpay_transfer_by_key) {
	using namespace tokpay;
	require_leader();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	const int64 debit = PG_GETARG_INT64(0);
	text *key = PG_GETARG_TEXT_PP(1);
	const Table journal = open_table("journal", "journal_pkey", AccessShareLock);
	KeyProbe probe = begin_key_probe(journal, GetActiveSnapshot());
	JournalRow row;
	const bool found = probe_key(probe, debit, key, key_hash(key, debit), &row);
	const Datum result = found ? result_tuple(fcinfo, row, true) : Datum(0);
	end_key_probe(probe);
	close_table(journal);
	if (!found)
		PG_RETURN_NULL();
	return result;
}
