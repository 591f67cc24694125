#include "call.hpp"

#include "statistics.hpp"

namespace tokpay {

Refusal read_bigints(const char *name, ArrayType *array, std::span<const int64> *values) {
	if (array == nullptr)
		return invalid_request(psprintf("%s is null.", name));
	const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (count == 0)
		return invalid_request(psprintf("%s is empty.", name));
	if (ARR_NDIM(array) != 1)
		return invalid_request(psprintf("%s has more than one dimension.", name));
	if (array_contains_nulls(array))
		return invalid_request(psprintf("%s has a null element.", name));
	*values = {reinterpret_cast<const int64 *>(ARR_DATA_PTR(array)), static_cast<size_t>(count)};
	return {};
}

namespace {

Refusal read_legs(ArrayType *credits, ArrayType *amounts, Request *request) {
	if (Refusal refusal = read_bigints("credits", credits, &request->credits);
		refusal.code != Code::ok)
		return refusal;
	if (Refusal refusal = read_bigints("amounts", amounts, &request->amounts);
		refusal.code != Code::ok)
		return refusal;
	if (request->credits.size() != request->amounts.size())
		return invalid_request(psprintf("There are %zu credits and %zu amounts.",
			request->credits.size(), request->amounts.size()));
	if (request->credits.size() > max_credits_per_transfer)
		return invalid_request(psprintf("There are %zu credits; a transfer has at most %d.",
			request->credits.size(), max_credits_per_transfer));
	for (size_t i = 0; i < request->amounts.size(); i++)
		if (request->amounts[i] <= 0)
			return invalid_request(
				psprintf("amounts[%zu] is " INT64_FORMAT "; an amount is positive.", i + 1,
					request->amounts[i]));
	return {};
}

// Whether it has at most so many bytes, and its numbers as well when they are printed: 1e1000 is
// stored in a few bytes and has a thousand digits.
bool fits(Jsonb *document, size_t max_bytes) {
	if (VARSIZE_ANY_EXHDR(document) > max_bytes)
		return false;
	size_t digits = 0;
	JsonbValue value;
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	for (JsonbIteratorToken token;
		 (token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE;)
		if ((token == WJB_ELEM || token == WJB_VALUE) && value.type == jbvNumeric) {
			char *text = DatumGetCString(
				DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
			digits += strlen(text);
			pfree(text);
			if (digits > max_bytes)
				return false;
		}
	return true;
}

} // namespace

Refusal check_texts(const Request &request) {
	if (request.key != nullptr)
		if (const size_t size = VARSIZE_ANY_EXHDR(request.key); size < 1 || size > max_key_bytes)
			return invalid_request(
				psprintf("key has %zu bytes; a key has 1 to %d.", size, max_key_bytes));
	if (request.description != nullptr &&
		VARSIZE_ANY_EXHDR(request.description) > max_description_bytes)
		return invalid_request(
			psprintf("description has more than %d bytes.", max_description_bytes));
	if (request.metadata != nullptr && !fits(request.metadata, max_metadata_bytes))
		return invalid_request(psprintf("metadata has more than %d bytes.", max_metadata_bytes));
	return {};
}

void read_fields(Datum element, TupleDesc descriptor, std::span<NullableDatum> fields) {
	HeapTupleHeader header = DatumGetHeapTupleHeader(element);
	HeapTupleData tuple;
	tuple.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = header;
	constexpr size_t max_fields = 16;
	Datum values[max_fields];
	bool is_null[max_fields];
	if (static_cast<size_t>(descriptor->natts) != fields.size() || fields.size() > max_fields)
		elog(ERROR, "a request has %d fields", descriptor->natts);
	heap_deform_tuple(&tuple, descriptor, values, is_null);
	for (size_t i = 0; i < fields.size(); i++)
		fields[i] = {values[i], is_null[i]};
}

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
		request.refusal = invalid_request("debit is null.");
		return request;
	}
	request.debit = DatumGetInt64(fields[0].value);
	request.refusal = read_legs(array(1), array(2), &request);
	if (request.refusal.code == Code::ok)
		request.refusal = check_texts(request);
	return request;
}

Datum leg_array(std::span<const Leg> legs, int64 Leg::*member) {
	const Size size = ARR_OVERHEAD_NONULLS(1) + legs.size() * sizeof(int64);
	auto *array = static_cast<ArrayType *>(palloc(size));
	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = INT8OID;
	ARR_DIMS(array)[0] = static_cast<int>(legs.size());
	ARR_LBOUND(array)[0] = 1;
	auto *values = reinterpret_cast<int64 *>(ARR_DATA_PTR(array));
	for (size_t i = 0; i < legs.size(); i++)
		values[i] = legs[i].*member;
	return PointerGetDatum(array);
}

void refuse_split_chains(std::span<Request> requests) {
	Vector<int32> runs;
	for (size_t i = 0; i < requests.size(); i++)
		if (const Request &request = requests[i];
			request.in_chain &&
			(i == 0 || !requests[i - 1].in_chain || requests[i - 1].chain != request.chain))
			runs.push_back(request.chain);
	const std::span<int32> chains = runs.all();
	std::ranges::sort(chains);
	if (std::ranges::adjacent_find(chains) == chains.end())
		return;
	for (Request &request : requests)
		if (request.in_chain && std::ranges::upper_bound(chains, request.chain) -
										std::ranges::lower_bound(chains, request.chain) >
									1)
			request = {.in_chain = false,
				.refusal = invalid_request("The requests of this chain are not adjacent.")};
}

text *text_argument(FunctionCallInfo fcinfo, int i) {
	return PG_ARGISNULL(i) ? nullptr : PG_GETARG_TEXT_PP(i);
}

// Holds and voids change no credited account: their arrays are null.
void fill_result(const JournalRow &row, bool replayed, Datum *values, bool *nulls) {
	values[0] = Int64GetDatum(row.id);
	values[1] = TimestampTzGetDatum(row.at);
	values[2] = Int64GetDatum(row.debit_balance);
	values[3] = Int64GetDatum(row.debit_version);
	std::fill(nulls, nulls + result_columns, false);
	nulls[4] = nulls[5] = !has_entries(row.kind);
	if (has_entries(row.kind)) {
		values[4] = leg_array(row.legs, &Leg::balance);
		values[5] = leg_array(row.legs, &Leg::version);
	}
	values[6] = BoolGetDatum(replayed);
}

Datum result_tuple(FunctionCallInfo fcinfo, const JournalRow &row, bool replayed) {
	TupleDesc descriptor;
	if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "transfer_result is not a composite type");
	Datum values[result_columns] = {};
	bool nulls[result_columns];
	fill_result(row, replayed, values, nulls);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls));
}

Datum execute_one(FunctionCallInfo fcinfo, const Request &request, CallMemory &memory) {
	Outcome outcome;
	if (request.refusal.code != Code::ok)
		raise_counted(request.refusal);
	execute_requests({&request, 1}, {&outcome, 1});
	count_call({&outcome, 1});
	if (outcome.refusal.code != Code::ok)
		raise(outcome.refusal);
	memory.back_to_caller();
	const Datum result = result_tuple(fcinfo, *outcome.row, outcome.replayed);
	memory.release();
	return result;
}

} // namespace tokpay
