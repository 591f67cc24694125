// What the gateway counts, and how Prometheus reads it.
#pragma once

#include "lane.hpp"

#include <array>
#include <string>
#include <vector>

namespace tokpay {

constexpr size_t max_routes = 32;

// Counters of one worker.
struct Metrics {
	// By route (its index in the routing table) and hundred of the status.
	std::array<std::array<Counter, 6>, max_routes> responses;
	Counter connections; // open now
	Counter replays;	 // answered by their key
	struct Lane {
		const char *name;
		const LaneCounters *counters;
	};
	std::vector<Lane> lanes; // the same names in the same order in every worker
};

// Prometheus text format 0.0.4 of the sum over all workers, of which there is at least one.
std::string exposition(
	const std::vector<const Metrics *> &workers, const std::vector<const char *> &route_names);

} // namespace tokpay
