// What one measurement is, as the command line tells it.
#pragma once

#include "measure/pattern.hpp"

#include <cstdint>
#include <string>

namespace tokpay::bench {

struct Options : Population {
	std::string load;				 // a name that make_load knows
	std::string pattern = "uniform"; // who pays whom: uniform, to-one, from-one
	int64_t hot_percent = 100;		 // of payments that follow the pattern
	std::string database;			 // the rest of the connection comes from PGHOST and the like
	int64_t connections = 1;
	int64_t threads = 1;	 // each serves its share of the connections
	int64_t batch = 1;		 // requests, or accounts, per call
	int64_t credits = 1;	 // per transfer
	double seconds = 10;	 // length of the measurement
	double warm_up = 2;		 // seconds before it
	int64_t calls = 0;		 // instead of both: so many calls are measured
	int64_t seed = 0;		 // 0: a random one
	double at = 0;			 // so many seconds into the measurement ...
	std::string at_sql;		 // ... this runs on a connection of its own
	std::string churn;		 // a load that runs between warm-up and measurement ...
	int64_t churn_calls = 0; // ... for so many calls of 500 over two connections
	int64_t postmaster = 0;	 // pid of the server, whose CPU time is then told
};

// Reads pairs "--name value"; throws std::invalid_argument.
Options read_options(int argc, char **argv);

} // namespace tokpay::bench
