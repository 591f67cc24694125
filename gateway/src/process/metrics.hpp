// What the gateway counts, and how Prometheus reads it.
#pragma once

#include "ledger/lane.hpp"
#include "ledger/leadership.hpp"

#include <array>
#include <string>
#include <vector>

namespace tokpay {

constexpr size_t max_routes = 64;

// The statuses that have series of their own.
constexpr std::array<unsigned, 20> counted_statuses = {200, 201, 204, 303, 304, 400, 401, 403, 404,
	405, 408, 409, 412, 413, 422, 429, 431, 500, 503, 504};

// The index of a status in counted_statuses, its size for any other.
constexpr size_t status_index(unsigned status) {
	constexpr unsigned end = 600;
	constexpr auto indices = [] {
		std::array<uint8_t, end> table{};
		table.fill(counted_statuses.size());
		for (size_t i = 0; i < counted_statuses.size(); i++)
			table[counted_statuses[i]] = static_cast<uint8_t>(i);
		return table;
	}();
	return status < end ? indices[status] : counted_statuses.size();
}

// Counters of one worker.
struct Metrics {
	// Of requests, from their last byte to the first of their answers, by route (its index in the
	// routing table) and status_index().
	std::array<std::array<DurationHistogram, counted_statuses.size() + 1>, max_routes> durations;
	Counter connections;	   // open now
	Counter moved_connections; // that another worker goes on with
	Counter replays;		   // answered by their key
	Counter left_out_lines;	   // of the log, where there were too many alike
	struct Lane {
		const char *name;
		const LaneCounters *counters;
	};
	std::vector<Lane> lanes; // the same names in the same order in every worker
};

// Prometheus text format 0.0.4 of the sum over all workers, of which there is at least one.
std::string exposition(const std::vector<const Metrics *> &workers,
	const std::vector<const char *> &route_names, const Leadership::Figures &leadership,
	bool is_ready);

} // namespace tokpay
