#include "commit_gate.hpp"

#include "fence.hpp"
#include "standby.hpp"

#include <csignal>
#include <sys/socket.h>

namespace tokpay {

namespace {

bool is_gated = false; // the transaction has passed the gate and has not ended yet
bool is_held = false;  // SIGINT is blocked
bool revokes = false;

sigset_t cancel_signal() {
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	return signals;
}

// A cancel, and a timeout, which arrives as one, would end PostgreSQL's wait for the standby with a
// warning and make the transaction visible before it is replicated (SyncRepWaitForLSN). Whoever
// terminates the session may end the wait: then nothing is acknowledged.
void hold_cancels() {
#ifndef TOKPAY_WITHOUT_SIGNAL_HOLD
	const sigset_t signals = cancel_signal();
	sigprocmask(SIG_BLOCK, &signals, nullptr);
	is_held = true;
#endif
}

void release_cancels() {
	if (!is_held)
		return;
	is_held = false;
	const sigset_t signals = cancel_signal();
	sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

// The last moment at which a commit can be refused.
void pass_gate() {
#ifndef TOKPAY_WITHOUT_COMMIT_GATE
	require_epoch();
	if (synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
		refuse(Doubt::synchronous_commit,
			"With this synchronous_commit nobody waits until the standby has the transaction on "
			"disk.",
			"set synchronous_commit = on");
	if (const StandbyNames &names = standby_names(); names.problem != NamesProblem::none)
		refuse(Doubt::standby_names, describe(names.problem));
	if (!acknowledgement().streaming)
		refuse(Doubt::standby_absent, "The synchronous standby does not stream.");
#endif
	pg_atomic_fetch_add_u64(&fence_counts().commits_gated, 1);
	hold_cancels();
	CHECK_FOR_INTERRUPTS(); // of what came before; what comes now waits
	is_gated = true;
}

void before_commit() {
	const FenceState &state = fence_state();
	if (!state.touched)
		return;
	const bool commits = TransactionIdIsValid(GetTopTransactionIdIfAny());
	// Locked rows, of a replay, make a commit as well; but nobody has to wait for it without a
	// bound.
	if (state.owes_fence && !(commits && state.wrote))
		fence();
	if (commits)
		pass_gate();
}

// An error here, of a failed allocation, would be one after the commit, which panics.
[[maybe_unused]] bool is_acknowledged(XLogRecPtr position) {
	volatile bool acknowledged = false;
	MemoryContext caller = CurrentMemoryContext;
	PG_TRY();
	{ acknowledged = acknowledgement().flushed >= position; }
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	return acknowledged;
}

// Nothing more reaches the client: it finds the connection broken and the outcome unknown.
[[maybe_unused]] void end_unacknowledged() {
#ifndef TOKPAY_WITHOUT_CONNECTION_CUT
	whereToSendOutput = DestNone;
	if (MyProcPort != nullptr)
		shutdown(MyProcPort->sock, SHUT_RDWR);
#endif
}

// The transaction has committed and is visible here. PostgreSQL has waited for the standby, or not:
// an emptied synchronous_standby_names wakes everybody. Nothing can be raised any more, so go on
// waiting. Ended by the standby, or without an acknowledgement by whoever ends the session or the
// server; so a fast shutdown takes no longer than the next look.
void wait_after_commit() {
#ifndef TOKPAY_WITHOUT_COMMIT_RECHECK
	for (Pace pace; !is_acknowledged(XactLastCommitEnd); pace.rest()) {
		pgstat_report_wait_start(WAIT_EVENT_SYNC_REP);
		if (ProcDiePending || !PostmasterIsAlive()) {
			end_unacknowledged();
			break;
		}
	}
	pgstat_report_wait_end();
#endif
}

void end_transaction() {
	release_cancels();
	is_gated = revokes = false;
	fence_state() = {};
}

void on_transaction_event(XactEvent event, void *) {
	switch (event) {
	case XACT_EVENT_PRE_COMMIT:
		before_commit();
		break;
	case XACT_EVENT_COMMIT:
		if (revokes)
			revoke_leadership();
		if (is_gated)
			wait_after_commit();
		end_transaction();
		break;
	case XACT_EVENT_PRE_PREPARE:
#ifndef TOKPAY_WITHOUT_COMMIT_GATE
		if (fence_state().touched) {
			count_refusal(Doubt::prepared);
			ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot PREPARE a transaction that has called tokpay in a cluster"),
					errdetail("COMMIT PREPARED would pass the commit gate by.")));
		}
#endif
		break;
	case XACT_EVENT_ABORT:
	case XACT_EVENT_PREPARE:
		end_transaction();
		break;
	default: // parallel workers call no function that writes
		break;
	}
}

} // namespace

void watch_transactions() {
	RegisterXactCallback(on_transaction_event, nullptr);
}

void revoke_leadership_at_commit() {
	revokes = true;
}

} // namespace tokpay
