// The commit gate: what the books have written commits on a leader alone, and is acknowledged when
// the standby has it. README.md argues why.
#pragma once

namespace tokpay {

// Called by _PG_init of the preloaded library of a cluster's machine.
void watch_transactions();

// The transaction changes the row of cluster: nobody leads from its commit on, until the epoch
// worker has seen it.
void revoke_leadership_at_commit();

} // namespace tokpay
