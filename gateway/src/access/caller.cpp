#include "access/caller.hpp"

namespace tokpay {

std::optional<Problem> check_quota(RateLimiter &limiter, const Caller &caller,
	bool changes_something, std::vector<std::pair<const char *, std::string>> &headers) {
	if (!caller.quota || (caller.reads_are_free && !changes_something))
		return std::nullopt;
	const Allowance left = limiter.take(caller.identity, *caller.quota, RateLimiter::Clock::now());
	if (!left.granted)
		return rate_limited(*caller.quota, left);
	for (auto &header : rate_limit_headers(*caller.quota, left))
		headers.push_back(std::move(header));
	return std::nullopt;
}

Problem rate_limited(const Quota &quota, const Allowance &allowance) {
	Problem problem{.status = 429,
		.code = "rate_limited",
		.detail = "Too many requests; the request was not executed. Try again in " +
				  std::to_string(allowance.more_in.count()) + " s.",
		.headers = rate_limit_headers(quota, allowance)};
	problem.headers.emplace_back("Retry-After", std::to_string(allowance.more_in.count()));
	return problem;
}

} // namespace tokpay
