// What the SQL functions that move money share: arguments in, results out.
#pragma once

#include "transfer.hpp"

namespace tokpay {

// Work of one call in memory of its own, so that a statement of many calls does not grow.
class CallMemory {
public:
	CallMemory()
		: caller_(MemoryContextSwitchTo(
			  AllocSetContextCreate(CurrentMemoryContext, "tokpay call", ALLOCSET_DEFAULT_SIZES))),
		  call_(CurrentMemoryContext) {}

	void back_to_caller() { MemoryContextSwitchTo(caller_); }
	void release() {
		back_to_caller();
		MemoryContextDelete(call_);
	}

private:
	MemoryContext caller_;
	MemoryContext call_;
};

// The elements of a one-dimensional bigint[] without nulls; null is refused like everything else.
Refusal read_bigints(const char *name, ArrayType *array, std::span<const int64> *values);

// The fields of a composite value, all of them.
void read_fields(Datum element, TupleDesc descriptor, std::span<NullableDatum> fields);

// Arguments or fields in the order debit, credits, amounts, key, description, metadata.
Request read_request(const NullableDatum *fields);

// Whether key, description and metadata keep to their bounds.
Refusal check_texts(const Request &request);

// Refuses every request of a chain that is interrupted by others.
void refuse_split_chains(std::span<Request> requests);

// Reads an array of requests of so many fields: read(i, fields) makes each that is not null. Raises
// what is wrong with the call as a whole.
template<int field_count, class Read>
std::span<Request> read_requests(ArrayType *array, Read read) {
	Datum *elements;
	bool *nulls;
	int count;
	const Oid type = ARR_ELEMTYPE(array);
	deconstruct_array(array, type, -1, false, TYPALIGN_DOUBLE, &elements, &nulls, &count);
	if (count > max_requests_per_batch)
		raise(invalid_request(psprintf(
			"There are %d requests; a batch has at most %d.", count, max_requests_per_batch)));

	TupleDesc descriptor = lookup_rowtype_tupdesc_copy(type, -1);
	const std::span<Request> requests = allocate<Request>(count);
	size_t credit_count = 0;
	for (int i = 0; i < count; i++) {
		if (nulls[i]) {
			requests[i].refusal = invalid_request("The request is null.");
			continue;
		}
		NullableDatum fields[field_count];
		read_fields(elements[i], descriptor, fields);
		requests[i] = read(i, fields);
		credit_count += requests[i].credits.size();
	}
	if (credit_count > max_credits_per_batch)
		raise(invalid_request(psprintf("There are %zu credits; a batch has at most %d.",
			credit_count, max_credits_per_batch)));
	refuse_split_chains(requests);
	return requests;
}

text *text_argument(FunctionCallInfo fcinfo, int i);

// One of the numbers of every leg, as a bigint[].
Datum leg_array(std::span<const Leg> legs, int64 Leg::*member);

// The columns of a transfer_result.
constexpr int result_columns = 7;
void fill_result(const JournalRow &row, bool replayed, Datum *values, bool *nulls);
Datum result_tuple(FunctionCallInfo fcinfo, const JournalRow &row, bool replayed);

// A batch of one that raises its refusal; the result is the caller's, memory is released.
Datum execute_one(FunctionCallInfo fcinfo, const Request &request, CallMemory &memory);

} // namespace tokpay
