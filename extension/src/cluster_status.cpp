// cluster_status: what this server knows of the cluster and its own part in it. Works anywhere.

#include "cluster.hpp"
#include "standby.hpp"

namespace tokpay {

namespace {

// The names of refused's counts, in the order of Doubt.
constexpr const char *doubt_names[] = {"set_up", "epoch", "standby_names", "standby_absent",
	"no_acknowledgement", "synchronous_commit", "prepared"};
static_assert(std::size(doubt_names) == static_cast<size_t>(Doubt::count));

char *joined(const StandbyNames &names) {
	StringInfoData text;
	initStringInfo(&text);
	for (int i = 0; i < names.count; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "", names.names[i]);
	return text.data;
}

Datum refused_counts() {
	StringInfoData text;
	initStringInfo(&text);
	appendStringInfoChar(&text, '{');
	for (int i = 0; i < static_cast<int>(Doubt::count); i++)
		appendStringInfo(&text, "%s\"%s\": " UINT64_FORMAT, i > 0 ? ", " : "", doubt_names[i],
			has_shared_memory() ? pg_atomic_read_u64(&fence_counts().refused[i]) : 0);
	appendStringInfoChar(&text, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text.data));
}

uint64 count(pg_atomic_uint64 FenceCounts::*member) {
	return has_shared_memory() ? pg_atomic_read_u64(&(fence_counts().*member)) : 0;
}

} // namespace

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_cluster_status) {
	using namespace tokpay;
	InitMaterializedSRF(fcinfo, 0);
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	const bool is_standby = RecoveryInProgress();
	const bool is_machine = is_cluster_machine();
	const Leadership *leads = is_machine && !is_standby ? leadership() : nullptr;
	const bool is_single = !is_machine && !is_standby;

	enum {
		role,
		epoch,
		standby,
		streaming,
		replicated,
		local,
		fences,
		waits,
		gated,
		refused,
		columns
	};
	Datum values[columns] = {};
	bool nulls[columns] = {};
	values[role] = CStringGetTextDatum(is_standby		  ? "standby"
									   : is_single		  ? "single"
									   : leads != nullptr ? "leader"
														  : "primary");
	nulls[epoch] = leads == nullptr && !is_single;
	if (!nulls[epoch]) {
		const Epoch known = leads != nullptr
								? leads->epoch
								: Epoch{.incarnation = 1,
									  .timeline = static_cast<int32>(GetWALInsertionTimeLine()),
									  .counter = 0};
		values[epoch] = CStringGetTextDatum(epoch_text(known));
	}
	const StandbyNames names = is_machine && !is_standby ? standby_names() : StandbyNames();
	nulls[standby] = nulls[streaming] = names.problem != NamesProblem::none;
	nulls[replicated] = true;
	if (!nulls[standby]) {
		const Acknowledgement acknowledged = acknowledgement();
		values[standby] = CStringGetTextDatum(joined(names));
		values[streaming] = BoolGetDatum(acknowledged.streaming);
		nulls[replicated] = !acknowledged.streaming;
		values[replicated] = LSNGetDatum(acknowledged.flushed);
	}
	values[local] =
		LSNGetDatum(is_standby ? GetXLogReplayRecPtr(nullptr) : GetFlushRecPtr(nullptr));
	values[fences] = Int64GetDatum(count(&FenceCounts::fences));
	values[waits] = Int64GetDatum(count(&FenceCounts::waits));
	values[gated] = Int64GetDatum(count(&FenceCounts::commits_gated));
	values[refused] = refused_counts();
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	return Datum(0);
}
