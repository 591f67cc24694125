// The CPU time of processes, from /proc.
#pragma once

#include <cstdint>

namespace tokpay::bench {

// Of a process with its children, the ended ones included; in microseconds, as all of these. 0
// where there is no such process.
double cpu_us_of(int64_t pid);

// Of this process.
double own_cpu_us();

// Of everything that runs on this machine.
double machine_cpu_us();

} // namespace tokpay::bench
