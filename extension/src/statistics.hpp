// What a server's processes have done since it started, counted in shared memory of the preloaded
// library. A library that is not preloaded counts nothing. What a transaction has done counts
// whether it commits or not, as in PostgreSQL's own statistics.
#pragma once

#include "transfer.hpp"

namespace tokpay {

// Called by _PG_init of the preloaded library.
void request_statistics();

// One call that moves money, by what became of its requests.
void count_call(std::span<const Outcome> outcomes);
// Holds whose end by time was recorded, by whatever call.
void count_expired(int64 holds);
// Raises the refusal of a request that did not get as far as a call, and counts it.
[[noreturn]] void raise_counted(const Refusal &refusal);

} // namespace tokpay
