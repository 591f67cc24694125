// What the processes of a server know together of its leadership: the epoch once it is replicated,
// the standby that has to acknowledge, what the fences have done. In shared memory of the preloaded
// library of a cluster's machine.
#pragma once

#include "epoch.hpp"

namespace tokpay {

// An epoch that is replicated, and whose it is.
struct Leadership {
	Epoch epoch = {};
	int32 epoch_id = 0; // its row in the table epoch
	Oid database = InvalidOid;
};

// What is wrong with synchronous_standby_names.
enum class NamesProblem : uint8_t {
	none,
	not_read, // by the epoch worker, which has not run yet
	empty,	  // nobody has to acknowledge
	wildcard, // whoever connects does, a running base backup too
	some_of,  // not everybody that is named has to
	too_many,
};

constexpr int max_standbys = 8; // that may be named: more than a cluster has

// Who has to acknowledge, all of them.
struct StandbyNames {
	NamesProblem problem = NamesProblem::not_read;
	int count = 0;
	char names[max_standbys][NAMEDATALEN] = {};
};

// Why a call was refused.
enum class Doubt : uint8_t {
	set_up,				// setting, library and books do not agree
	epoch,				// it is not replicated yet, or another one by now
	standby_names,		// see NamesProblem
	standby_absent,		// it does not stream
	no_acknowledgement, // in time
	synchronous_commit, // lowered
	prepared,			// PREPARE TRANSACTION
	count,
};

struct FenceCounts {
	pg_atomic_uint64 fences; // WAL records for reads
	pg_atomic_uint64 waits;	 // of them, for which the acknowledgement was not there at once
	pg_atomic_uint64 commits_gated;
	pg_atomic_uint64 refused[static_cast<int>(Doubt::count)];
};

// Called by _PG_init of the preloaded library of a cluster's machine.
void request_shared_memory();

// Whether the shared memory is there.
bool has_shared_memory();
FenceCounts &fence_counts();

// The leadership, or null where this server does not lead. Valid until the next call.
const Leadership *leadership();
// What the row of cluster says has changed: nobody leads until the worker has looked at it.
void revoke_leadership();
uint32 revocation_count();
// The epoch worker's: what the others may answer from now on. False where leadership was revoked
// since so many revocations.
bool publish_leadership(const Leadership &leadership, uint32 revocations);

// As they were when they were last published. Valid until the next call.
const StandbyNames &standby_names();
void publish_standby_names(const StandbyNames &names);

// The epoch worker's latch, which revoke_leadership() sets.
void set_worker_latch(Latch *latch);

} // namespace tokpay
