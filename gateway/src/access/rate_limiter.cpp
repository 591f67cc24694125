#include "access/rate_limiter.hpp"

#include <algorithm>

namespace tokpay {

namespace {

using Duration = RateLimiter::Clock::duration;

Duration interval(const Quota &quota) {
	return std::chrono::duration_cast<Duration>(quota.window) / quota.requests;
}

// What is left of a bucket that is full after a time, once so many are taken. The wait is rounded
// up: a client that heeds it finds what was promised.
Allowance allowance(const Quota &quota, Duration until_full, uint32_t taken) {
	const Duration used = std::max(until_full, Duration::zero());
	const Duration after = used + taken * interval(quota);
	const Duration capacity = quota.requests * interval(quota);
	Allowance left{};
	left.granted = after <= capacity;
	const Duration debt = left.granted ? after : used;
	left.remaining = static_cast<uint32_t>((capacity - std::min(debt, capacity)) / interval(quota));
	// One more remains once the debt has shrunk to the next lower multiple of the interval.
	const Duration lower = capacity - (left.remaining + 1) * interval(quota);
	if (debt > Duration::zero())
		left.more_in =
			std::chrono::ceil<std::chrono::seconds>(debt - std::max(lower, Duration::zero()));
	return left;
}

} // namespace

RateLimiter::FullAt &RateLimiter::bucket(const std::string &identity) {
	if (const auto found = recent_.find(identity); found != recent_.end())
		return found->second;
	if (recent_.size() >= max_buckets / 2) {
		older_ = std::move(recent_);
		recent_.clear();
	}
	FullAt full_at{};
	if (const auto found = older_.find(identity); found != older_.end()) {
		full_at = found->second;
		older_.erase(found);
	}
	return recent_.emplace(identity, full_at).first->second;
}

Allowance RateLimiter::take(
	const std::string &identity, const Quota &quota, Clock::time_point now) {
	const std::lock_guard lock(mutex_);
	FullAt &full_at = bucket(identity);
	const Allowance left = allowance(quota, full_at - now, 1);
	if (left.granted)
		full_at = std::max(full_at, now) + interval(quota);
	return left;
}

void RateLimiter::give_back(const std::string &identity, const Quota &quota) {
	const std::lock_guard lock(mutex_);
	bucket(identity) -= interval(quota);
}

std::vector<std::pair<const char *, std::string>> rate_limit_headers(
	const Quota &quota, const Allowance &allowance) {
	const std::string name = std::string("\"") + quota.name + '"';
	return {{"RateLimit-Policy", name + ";q=" + std::to_string(quota.requests) +
									 ";w=" + std::to_string(quota.window.count())},
		{"RateLimit", name + ";r=" + std::to_string(allowance.remaining) +
						  ";t=" + std::to_string(allowance.more_in.count())}};
}

} // namespace tokpay
