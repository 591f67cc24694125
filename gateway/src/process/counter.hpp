// A number that one thread changes and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace tokpay {

class Counter {
public:
	void add(uint64_t n = 1) { set(get() + n); }
	void subtract(uint64_t n = 1) { set(get() - n); }
	void set(uint64_t n) { value_.store(n, std::memory_order_relaxed); }
	uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
	std::atomic<uint64_t> value_{0};
};

} // namespace tokpay
