// Token buckets: how many at once, how many later, and what a client is told.
#include "access/caller.hpp"
#include "access/rate_limiter.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

const Quota quota{"writes", 10, 1s};
const RateLimiter::Clock::time_point start = RateLimiter::Clock::time_point() + 1000h;

int granted(RateLimiter &limiter, const std::string &identity, RateLimiter::Clock::time_point now) {
	int count = 0;
	while (count < 1000 && limiter.take(identity, quota, now).granted)
		count++;
	return count;
}

TEST(RateLimiter, ABucketIsFullAtFirstAndFillsEvenly) {
	RateLimiter limiter;
	EXPECT_EQ(granted(limiter, "a", start), 10);
	EXPECT_EQ(granted(limiter, "a", start), 0);
	EXPECT_EQ(granted(limiter, "a", start + 99ms), 0);
	EXPECT_EQ(granted(limiter, "a", start + 100ms), 1);
	EXPECT_EQ(granted(limiter, "a", start + 450ms), 3);
	EXPECT_EQ(granted(limiter, "a", start + 1h), 10);
}

TEST(RateLimiter, EveryIdentityHasItsOwnBucket) {
	RateLimiter limiter;
	EXPECT_EQ(granted(limiter, "a", start), 10);
	EXPECT_EQ(granted(limiter, "b", start), 10);
}

TEST(RateLimiter, OverAnyTimeNoMoreThanTheQuotaAndOneBucketIsGranted) {
	RateLimiter limiter;
	int total = 0;
	for (int i = 0; i < 60000; i++) // a minute, a thousand tries a second
		total += limiter.take("a", quota, start + i * 1ms).granted ? 1 : 0;
	EXPECT_LE(total, 10 * 60 + 10);
	EXPECT_GE(total, 10 * 60);
}

TEST(RateLimiter, WhatIsRefusedCostsNothing) {
	RateLimiter limiter;
	granted(limiter, "a", start);
	for (int i = 0; i < 1000; i++)
		EXPECT_FALSE(limiter.take("a", quota, start + 50ms).granted);
	EXPECT_TRUE(limiter.take("a", quota, start + 100ms).granted);
}

TEST(RateLimiter, TellsWhatRemainsAndAWaitThatIsLongEnough) {
	const Quota slow{"slow", 3, 60s};
	RateLimiter limiter;
	for (uint32_t remaining : {2u, 1u, 0u})
		EXPECT_EQ(limiter.take("a", slow, start).remaining, remaining);
	const Allowance refused = limiter.take("a", slow, start + 1ms);
	EXPECT_FALSE(refused.granted);
	EXPECT_EQ(refused.remaining, 0u);
	EXPECT_EQ(refused.more_in, 20s);
	EXPECT_FALSE(limiter.take("a", slow, start + 19s).granted);
	EXPECT_TRUE(limiter.take("a", slow, start + 1ms + refused.more_in).granted);
}

TEST(RateLimiter, HeedingTheWaitAlwaysHelps) {
	RateLimiter limiter;
	const Quota odd{"odd", 7, 3s};
	auto now = start;
	for (int i = 0; i < 1000; i++) {
		const Allowance left = limiter.take("a", odd, now);
		if (!left.granted) {
			ASSERT_GE(left.more_in, 1s);
			now += left.more_in;
			ASSERT_TRUE(limiter.take("a", odd, now).granted) << i;
		}
	}
}

TEST(RateLimiter, WhatIsGivenBackCanBeTakenAgain) {
	RateLimiter limiter;
	EXPECT_EQ(granted(limiter, "a", start), 10);
	limiter.give_back("a", quota);
	EXPECT_EQ(granted(limiter, "a", start), 1);
	EXPECT_EQ(granted(limiter, "a", start + 1h), 10);
	for (int i = 0; i < 20; i++) // long after it was taken, or after it was forgotten
		limiter.give_back("a", quota);
	EXPECT_EQ(granted(limiter, "a", start + 2h), 10);
}

TEST(RateLimiter, MemoryIsBoundedAndThoseInUseAreKept) {
	RateLimiter limiter;
	granted(limiter, "busy", start);
	for (size_t i = 0; i < 3 * RateLimiter::max_buckets; i++) {
		limiter.take("address " + std::to_string(i), quota, start);
		if (i % 1000 == 0) {
			ASSERT_FALSE(limiter.take("busy", quota, start).granted) << i;
		}
	}
	EXPECT_LE(limiter.size(), RateLimiter::max_buckets);
}

TEST(RateLimiter, HeadersAreThoseOfTheDraft) {
	RateLimiter limiter;
	const auto headers = rate_limit_headers(quota, limiter.take("a", quota, start));
	ASSERT_EQ(headers.size(), 2u);
	EXPECT_STREQ(headers[0].first, "RateLimit-Policy");
	EXPECT_EQ(headers[0].second, "\"writes\";q=10;w=1");
	EXPECT_STREQ(headers[1].first, "RateLimit");
	EXPECT_EQ(headers[1].second, "\"writes\";r=9;t=1");
}

// Callers

using Headers = std::vector<std::pair<const char *, std::string>>;

TEST(CallerQuota, CallersWithoutOneAreNeitherStoppedNorTold) {
	RateLimiter limiter;
	Headers headers;
	for (int i = 0; i < 100; i++)
		EXPECT_FALSE(check_quota(limiter, Caller{.identity = "key:1"}, true, headers));
	EXPECT_EQ(headers.size(), 0u);
	EXPECT_EQ(limiter.size(), 0u);
}

TEST(CallerQuota, EveryAnswerTellsWhatIsLeftAndARefusalWhenToComeAgain) {
	RateLimiter limiter;
	const Caller caller{.identity = "key:1", .quota = Quota{"requests", 2, 3600s}};
	for (const char *left : {"\"requests\";r=1;t=1800", "\"requests\";r=0;t=1800"}) {
		Headers headers;
		EXPECT_FALSE(check_quota(limiter, caller, false, headers));
		ASSERT_EQ(headers.size(), 2u);
		EXPECT_STREQ(headers[0].first, "RateLimit-Policy");
		EXPECT_EQ(headers[0].second, "\"requests\";q=2;w=3600");
		EXPECT_STREQ(headers[1].first, "RateLimit");
		EXPECT_EQ(headers[1].second, left);
	}
	Headers headers;
	const auto refused = check_quota(limiter, caller, false, headers);
	ASSERT_TRUE(refused);
	EXPECT_EQ(refused->status, 429u);
	EXPECT_STREQ(refused->code, "rate_limited");
	ASSERT_EQ(refused->headers.size(), 3u);
	EXPECT_EQ(refused->headers[1].second, "\"requests\";r=0;t=1800");
	EXPECT_STREQ(refused->headers[2].first, "Retry-After");
	EXPECT_EQ(refused->headers[2].second, "1800");
}

TEST(CallerQuota, ReadsAreFreeWhereTheyAreSaidToBe) {
	RateLimiter limiter;
	const Caller caller{
		.identity = "owner:a", .quota = Quota{"writes", 1, 1h}, .reads_are_free = true};
	Headers headers;
	for (int i = 0; i < 10; i++)
		EXPECT_FALSE(check_quota(limiter, caller, false, headers));
	EXPECT_FALSE(check_quota(limiter, caller, true, headers));
	EXPECT_TRUE(check_quota(limiter, caller, true, headers));
	EXPECT_FALSE(check_quota(limiter, caller, false, headers));
}

} // namespace

} // namespace tokpay
