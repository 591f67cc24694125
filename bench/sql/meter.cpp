#include "meter.hpp"

#include "measure/processes.hpp"

#include <chrono>

namespace tokpay::bench {

Reading Meter::read() {
	Reading reading;
	reading.at_us = std::chrono::duration<double, std::micro>(
		std::chrono::steady_clock::now().time_since_epoch())
						.count();
	if (postmaster_ != 0)
		reading.server_cpu_us = cpu_us_of(postmaster_);
	reading.client_cpu_us = own_cpu_us();
	reading.machine_cpu_us = machine_cpu_us();
	const ResultPtr position =
		connection_.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
	reading.wal_bytes = std::stod(PQgetvalue(position.get(), 0, 0));
	return reading;
}

} // namespace tokpay::bench
