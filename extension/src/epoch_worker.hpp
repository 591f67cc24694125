// The background worker of a cluster's machine: on a primary it writes the epoch, and tells the
// others of it once the standby has it.
#pragma once

namespace tokpay {

// Called by _PG_init of the preloaded library of a cluster's machine.
void register_epoch_worker();

} // namespace tokpay
