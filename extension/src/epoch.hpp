// The epoch: which server leads, and since when. Later epochs are greater, member by member.
#pragma once

#include "postgres.hpp"

namespace tokpay {

struct Epoch {
	int64 incarnation; // raised by the operator: what was acknowledged before may be lost
	int32 timeline;	   // of the write-ahead log: raised by a promotion
	int64 counter;	   // raised whenever a server begins to lead
};

// The one in which this server leads. require_leader() comes before it.
Epoch current_epoch();

// incarnation.timeline.counter, in the current memory context.
char *epoch_text(const Epoch &epoch);

// Appends it: incarnation:int64 timeline:int32 counter:int64, in network order.
void pack_epoch(StringInfo bytes);

} // namespace tokpay
