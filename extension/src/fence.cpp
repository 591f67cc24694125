#include "fence.hpp"

#include "catalog.hpp"
#include "cluster.hpp"
#include "refusal.hpp"
#include "standby.hpp"

namespace tokpay {

namespace {

// Long enough for a standby's slow fsync, short enough for a caller to ask the next leader.
constexpr int default_timeout_ms = 5000;
constexpr int max_timeout_ms = 60000;

int timeout_ms = default_timeout_ms; // tokpay.fence_timeout
FenceState state;

} // namespace

void define_fence_settings() {
	DefineCustomIntVariable("tokpay.fence_timeout",
		"How long a call waits for the standby's acknowledgement before it answers not_leader.",
		nullptr, &timeout_ms, default_timeout_ms, 1, max_timeout_ms, PGC_USERSET, GUC_UNIT_MS,
		nullptr, nullptr, nullptr);
}

FenceState &fence_state() {
	return state;
}

void count_refusal(Doubt doubt) {
	if (has_shared_memory())
		pg_atomic_fetch_add_u64(&fence_counts().refused[static_cast<int>(doubt)], 1);
}

void refuse(Doubt doubt, const char *detail, const char *hint) {
	count_refusal(doubt);
	raise({.code = Code::not_leader, .detail = detail, .hint = hint});
}

void require_epoch() {
	const Leadership *leads = leadership();
	if (leads == nullptr)
		refuse(Doubt::epoch,
			"This server's epoch is not replicated: it does not lead the cluster yet.",
			"select * from tokpay.cluster_status() tells which standby it waits for.");
	if (leads->database != MyDatabaseId)
		refuse(Doubt::set_up, "The cluster's books are those of another database.",
			"tokpay.database names it.");
	if (state.touched && state.epoch_id != leads->epoch_id)
		refuse(Doubt::epoch, "The epoch has changed since the transaction began.", "Try again.");
	state.epoch_id = leads->epoch_id;
}

void require_leader() {
	if (RecoveryInProgress())
		refuse(Doubt::set_up, "This server is a standby.");
	if (!is_cluster_as_set())
		return;
	require_epoch();
	state.touched = true;
}

void fence_reply() {
	if (!state.touched)
		return;
	if (IsTransactionBlock())
		fence();
	else
		state.owes_fence = true;
}

void fence_refusal() {
	if (state.touched)
		fence();
}

void Pace::rest() {
	// A loopback's round trip, then a disk's, then whatever it takes.
	constexpr int short_rests = 40;
	constexpr int medium_rests = 100;
	const int us = rests_ < short_rests ? 50 : rests_ < medium_rests ? 200 : 1000;
	rests_++;
	pg_usleep(us);
}

namespace {

// A record that replays as nothing (xlog_redo in xlog.c). It is later in the WAL than every commit
// that a snapshot of this transaction could see.
[[maybe_unused]] XLogRecPtr write_record() {
	const XLogRecPtr before = XactLastRecEnd;
	char nothing = 0;
	XLogBeginInsert();
	XLogSetRecordFlags(XLOG_MARK_UNIMPORTANT); // nobody checkpoints or archives for it
	XLogRegisterData(&nothing, sizeof nothing);
	const XLogRecPtr end = XLogInsert(RM_XLOG_ID, XLOG_NOOP);
	XactLastRecEnd = before; // the transaction's own end has not to wait for it
	XLogFlush(end);
	return end;
}

} // namespace

void fence() {
	state.owes_fence = false;
#ifndef TOKPAY_WITHOUT_READ_FENCE
	require_epoch();
	if (const StandbyNames &names = standby_names(); names.problem != NamesProblem::none)
		refuse(Doubt::standby_names, describe(names.problem));
	if (!acknowledgement().streaming)
		refuse(Doubt::standby_absent, "The synchronous standby does not stream.");
	FenceCounts &counts = fence_counts();
	pg_atomic_fetch_add_u64(&counts.fences, 1);
	const XLogRecPtr position = write_record();
	if (acknowledgement().flushed >= position)
		return;
	pg_atomic_fetch_add_u64(&counts.waits, 1);
	const TimestampTz begun = GetCurrentTimestamp();
	pgstat_report_wait_start(WAIT_EVENT_SYNC_REP);
	for (Pace pace; acknowledgement().flushed < position; pace.rest()) {
		CHECK_FOR_INTERRUPTS();
		if (TimestampDifferenceExceeds(begun, GetCurrentTimestamp(), timeout_ms)) {
			pgstat_report_wait_end();
			refuse(Doubt::no_acknowledgement,
				psprintf(
					"The synchronous standby has acknowledged nothing for %d ms.", timeout_ms));
		}
	}
	pgstat_report_wait_end();
	require_epoch();
#endif
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_require_leader) {
	tokpay::require_leader();
	tokpay::fence_state().wrote = true; // for all that is known
	tokpay::catalog(); // functions in SQL and PL/pgSQL are of one version with the library, too
	PG_RETURN_VOID();
}

TOKPAY_FUNCTION(tokpay_fence) {
	tokpay::fence_reply();
	PG_RETURN_BOOL(true);
}

TOKPAY_FUNCTION(tokpay_fence_refusal) {
	tokpay::fence_refusal();
	PG_RETURN_VOID();
}
