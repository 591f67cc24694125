// What a measurement costs: CPU time of server and client, and WAL.
#pragma once

#include "connection.hpp"

#include <cstdint>

namespace tokpay::bench {

struct Reading {
	double at_us = 0;		   // monotonic
	double server_cpu_us = 0;  // all processes of the server; 0 without its pid
	double client_cpu_us = 0;  // this process
	double machine_cpu_us = 0; // everything that runs here
	double wal_bytes = 0;	   // written ever
};

class Meter {
public:
	Meter(const std::string &database, int64_t postmaster)
		: connection_(database, "bench meter"), postmaster_(postmaster) {}

	Reading read();

private:
	Connection connection_;
	int64_t postmaster_;
};

} // namespace tokpay::bench
