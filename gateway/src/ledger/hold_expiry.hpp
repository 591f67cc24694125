// Records the ends of holds by time, once a second.
#pragma once

#include "process/worker.hpp"

namespace tokpay {

// Runs on one worker of the gateway.
void start_hold_expiry(Worker &worker);

} // namespace tokpay
