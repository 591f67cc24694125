#include "meter.hpp"

#include "measure/processes.hpp"

#include <chrono>

namespace tokpay::bench {

namespace {

double cpu_us_if(int64_t pid) {
	return pid == 0 ? 0 : cpu_us_of(pid);
}

} // namespace

Reading read_meter(const Options &options) {
	return {.at_us = std::chrono::duration<double, std::micro>(
				std::chrono::steady_clock::now().time_since_epoch())
						 .count(),
		.gateway_us = cpu_us_if(options.gateway),
		.pgbouncer_us = cpu_us_if(options.pgbouncer),
		.postgresql_us = cpu_us_if(options.postgresql),
		.client_us = own_cpu_us(),
		.machine_us = machine_cpu_us()};
}

Reading operator-(const Reading &after, const Reading &before) {
	return {.at_us = after.at_us - before.at_us,
		.gateway_us = after.gateway_us - before.gateway_us,
		.pgbouncer_us = after.pgbouncer_us - before.pgbouncer_us,
		.postgresql_us = after.postgresql_us - before.postgresql_us,
		.client_us = after.client_us - before.client_us,
		.machine_us = after.machine_us - before.machine_us};
}

} // namespace tokpay::bench
