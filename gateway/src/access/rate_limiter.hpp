// Token buckets: how often a caller may come.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tokpay {

// So many requests at once, and as many again in every window.
struct Quota {
	const char *name; // of the policy, in the RateLimit headers
	uint32_t requests;
	std::chrono::seconds window;
};

// What is left of a quota.
struct Allowance {
	bool granted;
	uint32_t remaining;
	std::chrono::seconds more_in; // until more remains; 0 where nothing was used
};

// The one thing that workers share, so that a limit holds however a caller's connections are spread
// over them; callers without a limit never come here. Thread-safe.
class RateLimiter {
public:
	using Clock = std::chrono::steady_clock;

	// Takes one request from the bucket of an identity, full at first, unless it is empty.
	Allowance take(const std::string &identity, const Quota &quota, Clock::time_point now);

	// Puts one back that was taken.
	void give_back(const std::string &identity, const Quota &quota);

	size_t size() const { return recent_.size() + older_.size(); }

	// Buckets kept, some 15 MB; beyond it those that were not used of late are full again.
	static constexpr size_t max_buckets = 100000;

private:
	// When the bucket is full again, were nothing taken any more: all there is to know of it
	// ("virtual scheduling", ITU-T I.371).
	using FullAt = Clock::time_point;

	FullAt &bucket(const std::string &identity);

	std::mutex mutex_;
	std::unordered_map<std::string, FullAt> recent_;
	std::unordered_map<std::string, FullAt> older_;
};

// RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers).
std::vector<std::pair<const char *, std::string>> rate_limit_headers(
	const Quota &quota, const Allowance &allowance);

} // namespace tokpay
