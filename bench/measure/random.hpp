// Random numbers that cost a load next to nothing: xoshiro256**, seeded by splitmix64 (Blackman and
// Vigna, prng.di.unimi.it). One per connection.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace tokpay::bench {

class Random {
public:
	explicit Random(uint64_t seed) {
		for (uint64_t &word : state_) {
			seed += 0x9e3779b97f4a7c15;
			word = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
			word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
			word ^= word >> 31;
		}
	}

	uint64_t next() {
		const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
		const uint64_t shifted = state_[1] << 17;
		state_[2] ^= state_[0];
		state_[3] ^= state_[1];
		state_[1] ^= state_[2];
		state_[0] ^= state_[3];
		state_[2] ^= shifted;
		state_[3] = std::rotl(state_[3], 45);
		return result;
	}

	// From 0 to bound - 1, by multiplication (Lemire): uniform enough for bounds below 2^32.
	int64_t below(int64_t bound) {
		return static_cast<int64_t>(((next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
	}

	// From 0 to just below 1.
	double fraction() { return static_cast<double>(next() >> 11) * 0x1p-53; }

	static constexpr size_t uuid_size = 36;

	// Writes a random UUID (version 4, RFC 9562) as text.
	void uuid(char *out) {
		static constexpr char digits[] = "0123456789abcdef";
		uint64_t bits = 0;
		for (size_t i = 0; i < uuid_size; i++) {
			if (i % 16 == 0)
				bits = next();
			out[i] = digits[bits & 15];
			bits >>= 4;
		}
		for (const size_t dash : {8, 13, 18, 23})
			out[dash] = '-';
		out[14] = '4';
		out[19] = digits[8 + (next() & 3)];
	}

private:
	std::array<uint64_t, 4> state_;
};

} // namespace tokpay::bench
