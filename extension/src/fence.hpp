// The read fence: nothing is answered that the standby could lose, and nothing by a server that no
// longer leads. README.md argues why.
#pragma once

#include "leadership.hpp"

// An SQL-callable function whose result is fenced: by then it has read its last tuple.
#define TOKPAY_FENCED_FUNCTION(name)                                                               \
	static Datum name##_unfenced(PG_FUNCTION_ARGS);                                                \
	TOKPAY_FUNCTION(name) {                                                                        \
		const Datum result = name##_unfenced(fcinfo);                                              \
		tokpay::fence_reply();                                                                     \
		return result;                                                                             \
	}                                                                                              \
	static Datum name##_unfenced(PG_FUNCTION_ARGS)

namespace tokpay {

// Called by _PG_init of the preloaded library of a cluster's machine.
void define_fence_settings();

// Raises not_leader on a standby, and in a cluster where this server is not known to lead it.
// Functions call it before they read. On a single server the fences cost nothing more than this.
void require_leader();

// What a transaction owes to the fences.
struct FenceState {
	bool touched = false;	 // the books were asked, in a cluster
	bool owes_fence = false; // and what they answered goes out when the transaction ends
	bool wrote = false;		 // something that is worth its commit's wait
	int32 epoch_id = 0;		 // in which they were first asked; 0 on a single server
};
FenceState &fence_state();

// Fences what a function answers. Where the transaction ends with the statement, all of them share
// one fence before it ends (commit_gate.cpp); a commit that wrote proves the same by itself.
void fence_reply();

// Fences what a refusal tells, which is raised right after.
void fence_refusal();

// Writes a WAL record and waits until the standby has flushed it; raises not_leader where it does
// not within tokpay.fence_timeout, and counts.
void fence();

// Counts it among cluster_status().refused.
void count_refusal(Doubt doubt);

// Raises not_leader and counts why.
[[noreturn]] void refuse(Doubt doubt, const char *detail, const char *hint = nullptr);

// Raises not_leader where this server does not lead in the transaction's epoch.
void require_epoch();

// Rests a little longer every time.
class Pace {
public:
	void rest();

private:
	int rests_ = 0;
};

} // namespace tokpay
