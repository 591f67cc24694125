// What one measurement is, as the command line tells it.
#pragma once

#include "measure/pattern.hpp"

#include <cstdint>
#include <string>

namespace tokpay::bench {

struct Options : Population {
	std::string load;				 // a name that make_load knows
	std::string pattern = "uniform"; // who pays whom: uniform, to-one, from-one
	std::string path = "/";			 // of the load static ...
	int64_t status = 200;			 // ... and what it is answered with
	int64_t port = 8080;			 // of the gateway, on 127.0.0.1
	std::string key_file;			 // holds the API key
	int64_t connections = 1;
	int64_t pipeline = 1;			// requests under way on each connection
	int64_t batch = 1;				// accounts, or transfers, per request
	double rate = 0;				// requests a second of an open loop; 0: a closed one
	std::string beside;				// a load that runs at the same time ...
	double beside_rate = 0;			// ... at this rate ...
	int64_t beside_connections = 1; // ... on connections of its own
	double seconds = 10;			// length of the measurement
	double warm_up = 2;				// seconds before it
	int64_t hold = 0;				// 1: the connections stay open until stdin ends
	int64_t seed = 0;				// 0: a random one
	int64_t gateway = 0;			// pids of the servers, whose CPU time is then told
	int64_t pgbouncer = 0;
	int64_t postgresql = 0;
};

// Reads pairs "--name value"; throws std::invalid_argument.
Options read_options(int argc, char **argv);

} // namespace tokpay::bench
