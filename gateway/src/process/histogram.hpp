// How often values of some size come, in buckets that end at powers of two.
#pragma once

#include "process/counter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>

namespace tokpay {

// The bounds are unit * 2^first to unit * 2^last, each the largest value of its bucket; one bucket
// more takes what is beyond. One thread observes, others may read.
template<unsigned first, unsigned last, uint64_t unit = 1> class Histogram {
public:
	static constexpr size_t bounds = last - first + 1;

	static constexpr uint64_t bound(size_t bucket) { return unit << (first + bucket); }

	static constexpr size_t bucket_of(uint64_t value) {
		const uint64_t units = value / unit + (value % unit != 0);
		const auto power = units == 0 ? 0 : static_cast<size_t>(std::bit_width(units - 1));
		return std::min(std::max<size_t>(power, first) - first, bounds);
	}

	void observe(uint64_t value) {
		counts_[bucket_of(value)].add();
		sum_.add(value);
	}

	// Values in one bucket, of which there are bounds + 1.
	uint64_t count(size_t bucket) const { return counts_[bucket].get(); }

	// All values.
	uint64_t count() const {
		uint64_t total = 0;
		for (const Counter &counter : counts_)
			total += counter.get();
		return total;
	}

	uint64_t sum() const { return sum_.get(); }

private:
	std::array<Counter, bounds + 1> counts_;
	Counter sum_;
};

// In nanoseconds: 64 µs to 67 s, beyond the deadline of any request.
class DurationHistogram : public Histogram<6, 26, 1000> {
public:
	void observe(std::chrono::nanoseconds took) {
		Histogram::observe(static_cast<uint64_t>(took.count()));
	}
};

// Requests in a call: 1 to 16,384, beyond the largest batch of any lane.
using SizeHistogram = Histogram<0, 14>;

} // namespace tokpay
