// Drives connections from one thread, all loads of a measurement together.
#pragma once

#include "client.hpp"

#include "measure/histogram.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tokpay::bench {

struct Tally {
	uint64_t requests = 0; // answered in time
	uint64_t late = 0;	   // of an open loop: due in time and answered afterwards
	Histogram latency;
};

// A load and the connections that carry it. In a closed loop an answer brings the next request, and
// latency counts from there. In an open loop requests come at random (a Poisson process) whatever
// the server does, take a free connection in turn or wait for one, and latency counts from when
// they were due: a server that stands still is charged with everybody who waits.
struct Traffic {
	Traffic(const std::string &name, const Options &options, int64_t connections, double rate,
		uint64_t seed);

	std::unique_ptr<Load> load;
	int64_t slots; // of each connection
	double rate;   // requests a second of an open loop; 0: a closed one
	std::vector<Client> clients;
	Random random;
};

// Drives all of them for so many seconds; at the return every client is idle. One tally for each.
// Throws on the first wrong answer, and when none comes for long.
std::vector<Tally> drive(std::span<Traffic> traffics, double seconds);

} // namespace tokpay::bench
