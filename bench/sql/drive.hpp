// Drives connections: each has one call under way, and the next is sent as soon as its answer is
// in.
#pragma once

#include "load.hpp"

#include "measure/histogram.hpp"

#include <chrono>
#include <vector>

namespace tokpay::bench {

// A connection, its load and its random numbers.
class Client {
public:
	Client(const Options &options, uint64_t seed);

	void send(std::chrono::steady_clock::time_point now);

	Connection connection;
	std::unique_ptr<Load> load;
	Random random;
	std::chrono::steady_clock::time_point sent;
};

struct Tally {
	uint64_t calls = 0;
	uint64_t units = 0;
	double seconds = 0;
	Histogram latency;
};

// Drives the clients for so many seconds or, where calls is not 0, until that many are done. Every
// thread serves its share of the clients by epoll. Only answers in time are counted, and at the
// return every client is idle. The first failure of any client is thrown.
Tally drive(std::vector<Client> &clients, int64_t threads, double seconds, int64_t calls);

} // namespace tokpay::bench
