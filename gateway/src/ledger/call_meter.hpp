// How much a worker's calls carry.
#pragma once

#include "ledger/lane.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace tokpay {

// Any thread may measure another one's lanes.
class CallMeter {
public:
	using Lanes = std::array<const LaneCounters *, 3>;

	explicit CallMeter(const Lanes &lanes) : lanes_(lanes) {}

	// The mean weight of the calls since the last time, in the lane with the largest; 0 where there
	// were none, infinite where something waits and no call has ended.
	float measure() {
		float largest = 0;
		for (size_t i = 0; i < lanes_.size(); i++)
			largest = std::max(largest, measure(*lanes_[i], counts_[i]));
		return largest;
	}

private:
	struct Counts {
		uint64_t begun = 0;
		uint64_t ended = 0;
		uint64_t weight = 0; // of those that have begun
	};

	static float measure(const LaneCounters &lane, Counts &counts) {
		const Counts now{
			lane.batch_sizes.count(), lane.call_durations.count(), lane.carried_weight.get()};
		const Counts before = std::exchange(counts, now);
		const bool waits = now.begun > now.ended || lane.depth.get() > 0;
		if (waits && now.ended == before.ended)
			return std::numeric_limits<float>::infinity();
		if (now.begun == before.begun)
			return 0;
		return static_cast<float>(now.weight - before.weight) /
			   static_cast<float>(now.begun - before.begun);
	}

	Lanes lanes_;
	std::array<Counts, 3> counts_;
};

} // namespace tokpay
