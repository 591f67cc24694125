// The sparse index of an account's entries: tokpay.waypoint.
#pragma once

#include "index_search.hpp"
#include "memory.hpp"

namespace tokpay {

// One waypoint every so many versions: what a walk along the chain passes over at most.
constexpr int64 waypoint_spacing = 128;

// A row as stored (sql/tables.sql).
struct Waypoint {
	int64 account = 0;
	int64 version = 0;
	int64 transfer = 0;
	TimestampTz at = 0;
};

// The transfer at which to begin a walk back to the account's entries below version `before` and
// earlier than `until`; 0 where the account's newest entry is the place. Under the active snapshot.
int64 waypoint_after(int64 account, int64 before, TimestampTz until);

void insert_waypoints(Relation heap, std::span<const Waypoint> waypoints);

} // namespace tokpay
