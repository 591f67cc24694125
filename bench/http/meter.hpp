// What a measurement costs: the CPU time of each process that takes part.
#pragma once

#include "options.hpp"

namespace tokpay::bench {

struct Reading {
	double at_us = 0; // monotonic
	// CPU time; 0 without a pid.
	double gateway_us = 0;
	double pgbouncer_us = 0;
	double postgresql_us = 0;
	double client_us = 0;  // this process
	double machine_us = 0; // everything that runs here
};

Reading read_meter(const Options &options);

// What has passed between two readings.
Reading operator-(const Reading &after, const Reading &before);

} // namespace tokpay::bench
