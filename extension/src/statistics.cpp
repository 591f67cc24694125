// The counters behind the view stat.

#include "statistics.hpp"

#include "leadership.hpp"

#include <array>
#include <bit>

namespace tokpay {

namespace {

constexpr std::array kinds = {
	kind_transfer, kind_top_up, kind_hold, kind_capture, kind_void, kind_reverse, kind_expiry};
constexpr int code_count = static_cast<int>(Code::chain_failed) + 1;
// Of calls with so many requests: 1, 2, up to 4, up to 8 … up to max_requests_per_batch.
constexpr int size_count = std::bit_width(static_cast<unsigned>(max_requests_per_batch - 1)) + 1;

using Counter = pg_atomic_uint64;

struct Statistics {
	TimestampTz since;
	Counter calls;
	Counter credits;
	Counter replays;
	Counter executed[kinds.size()];
	Counter refused[code_count];
	Counter sizes[size_count];
};

Statistics *statistics = nullptr;
shmem_request_hook_type next_request = nullptr;
shmem_startup_hook_type next_startup = nullptr;

void request() {
	if (next_request != nullptr)
		next_request();
	RequestAddinShmemSpace(sizeof(Statistics));
}

void start() {
	if (next_startup != nullptr)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	bool found;
	statistics =
		static_cast<Statistics *>(ShmemInitStruct("tokpay statistics", sizeof(Statistics), &found));
	if (!found) {
		statistics->since = GetCurrentTimestamp();
		for (Counter *counter : {&statistics->calls, &statistics->credits, &statistics->replays})
			pg_atomic_init_u64(counter, 0);
		for (const std::span<Counter> counters : {std::span<Counter>(statistics->executed),
				 std::span<Counter>(statistics->refused), std::span<Counter>(statistics->sizes)})
			for (Counter &counter : counters)
				pg_atomic_init_u64(&counter, 0);
	}
	LWLockRelease(AddinShmemInitLock);
}

// Other processors want the line, too: most of what is counted is nothing.
void add(Counter &counter, uint64 count) {
	if (count > 0)
		pg_atomic_fetch_add_u64(&counter, static_cast<int64>(count));
}

uint64 value(Counter &counter) {
	return pg_atomic_read_u64(&counter);
}

size_t index_of(char kind) {
	return static_cast<size_t>(std::ranges::find(kinds, kind) - kinds.begin());
}

// {"name": count, …} of those that are not 0.
template<class Name> Datum counts_by_name(std::span<Counter> counters, Name name) {
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (size_t i = 0; i < counters.size(); i++)
		if (const uint64 count = value(counters[i]); count > 0)
			appendStringInfo(&text, "%s\"%s\": " UINT64_FORMAT, text.len > 1 ? ", " : "",
				name(static_cast<int>(i)), count);
	appendStringInfoChar(&text, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

} // namespace

void request_statistics() {
	next_request = shmem_request_hook;
	shmem_request_hook = request;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = start;
}

void count_call(std::span<const Outcome> outcomes) {
	if (statistics == nullptr || outcomes.empty())
		return;
	uint64 credits = 0;
	uint64 replays = 0;
	uint64 executed[kinds.size()] = {};
	uint64 refused[code_count] = {};
	for (const Outcome &outcome : outcomes) {
		if (outcome.refusal.code != Code::ok)
			refused[static_cast<int>(outcome.refusal.code)]++;
		else if (outcome.replayed)
			replays++;
		else {
			executed[index_of(outcome.row->kind)]++;
			credits += has_entries(outcome.row->kind) ? outcome.row->legs.size() : 0;
		}
	}
	add(statistics->calls, 1);
	add(statistics->sizes[std::bit_width(outcomes.size() - 1)], 1);
	add(statistics->credits, credits);
	add(statistics->replays, replays);
	for (size_t i = 0; i < kinds.size(); i++)
		add(statistics->executed[i], executed[i]);
	for (int i = 0; i < code_count; i++)
		add(statistics->refused[i], refused[i]);
}

void count_expired(int64 holds) {
	if (statistics != nullptr)
		add(statistics->executed[index_of(kind_expiry)], static_cast<uint64>(holds));
}

void raise_counted(const Refusal &refusal) {
	if (statistics != nullptr)
		add(statistics->refused[static_cast<int>(refusal.code)], 1);
	raise(refusal);
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_statistics) {
	using namespace tokpay;
	if (statistics == nullptr)
		ereport(
			ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					   errmsg("tokpay counts nothing on this server"),
					   errdetail("The library is not preloaded."),
					   errhint("Add tokpay to shared_preload_libraries and restart the server.")));
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	// In the order of the function's columns.
	Vector<Datum> values;
	values.push_back(TimestampTzGetDatum(statistics->since));
	for (Counter *counter : {&statistics->calls, &statistics->credits, &statistics->replays})
		values.push_back(Int64GetDatum(value(*counter)));
	for (Counter &counter : statistics->executed)
		values.push_back(Int64GetDatum(value(counter)));
	values.push_back(
		counts_by_name(statistics->refused, [](int i) { return code_name(static_cast<Code>(i)); }));
	values.push_back(
		counts_by_name(statistics->sizes, [](int i) { return psprintf("%d", 1 << i); }));
	const bool has_fences = has_shared_memory();
	values.push_back(Int64GetDatum(has_fences ? value(fence_counts().fences) : 0));
	values.push_back(Int64GetDatum(has_fences ? value(fence_counts().waits) : 0));
	tuplestore_putvalues(result->setResult, result->setDesc, values.all().data(),
		allocate<bool>(values.size()).data());
	return Datum(0);
}
