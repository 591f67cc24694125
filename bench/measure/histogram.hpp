// Latencies of calls, counted in buckets a thirty-second of a power of two wide: 3 % exact.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tokpay::bench {

class Histogram {
public:
	void add(uint64_t nanoseconds) {
		counts_[bucket(nanoseconds)]++;
		count_++;
		max_ = std::max(max_, nanoseconds);
	}

	void add(const Histogram &other) {
		for (size_t i = 0; i < counts_.size(); i++)
			counts_[i] += other.counts_[i];
		count_ += other.count_;
		max_ = std::max(max_, other.max_);
	}

	// In microseconds: the latency that this share of the calls did not exceed.
	double quantile(double share) const {
		auto left = static_cast<uint64_t>(share * static_cast<double>(count_));
		for (size_t i = 0; i < counts_.size(); i++) {
			if (counts_[i] > left)
				return static_cast<double>(std::min(lower_bound(i + 1), max_)) / 1000;
			left -= counts_[i];
		}
		return max();
	}

	double max() const { return static_cast<double>(max_) / 1000; }

private:
	static constexpr unsigned sub_bits = 5;
	static constexpr uint64_t sub_buckets = 1 << sub_bits;

	static size_t bucket(uint64_t value) {
		if (value < sub_buckets)
			return value;
		const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - sub_bits;
		return (shift + 1) * sub_buckets + ((value >> shift) & (sub_buckets - 1));
	}

	static uint64_t lower_bound(size_t bucket) {
		if (bucket < sub_buckets)
			return bucket;
		return (sub_buckets + bucket % sub_buckets) << (bucket / sub_buckets - 1);
	}

	std::vector<uint64_t> counts_ = std::vector<uint64_t>((64 - sub_bits + 1) * sub_buckets);
	uint64_t count_ = 0;
	uint64_t max_ = 0;
};

} // namespace tokpay::bench
