// Times: RFC 3339 to microseconds since 2000-01-01 UTC.
#include "text/rfc3339.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tokpay {

namespace {

constexpr int64_t second = 1000000;
constexpr int64_t day = 86400 * second;

TEST(Times, AreMicrosecondsSince2000) {
	const std::pair<const char *, int64_t> cases[] = {{"2000-01-01T00:00:00Z", 0},
		{"2000-01-01T00:00:00.000001Z", 1}, {"2000-01-01T00:00:00.1Z", 100000},
		{"2000-01-01T00:00:00.1234567Z", 123456}, {"2000-01-01T00:00:00.9999999999Z", 999999},
		{"1999-12-31T23:59:59.999999Z", -1}, {"2000-02-29T00:00:00Z", 59 * day},
		{"2001-01-01T00:00:00Z", 366 * day}, {"2026-01-31T23:59:59.123456Z", 823219199123456},
		{"1970-01-01T00:00:00Z", -946684800 * second}, {"2000-01-01t00:00:00z", 0},
		{"9999-12-31T23:59:59.999999Z", 252455615999999999},
		{"0000-01-01T00:00:00Z", -63113904000 * second}};
	for (const auto &[text, microseconds] : cases)
		EXPECT_EQ(parse_time(text), microseconds) << text;
}

TEST(Times, HaveOffsetsFromUtc) {
	const std::pair<const char *, int64_t> cases[] = {{"2000-01-01T01:00:00+01:00", 0},
		{"1999-12-31T18:30:00-05:30", 0}, {"2000-01-01T00:00:00-00:00", 0},
		{"2000-01-01T00:00:00+23:59", -(23 * 60 + 59) * 60 * second},
		{"2000-01-01T00:00:00.5-00:01", 60 * second + 500000}};
	for (const auto &[text, microseconds] : cases)
		EXPECT_EQ(parse_time(text), microseconds) << text;
}

TEST(Times, MayBeALeapSecondWhichIsTheNextOne) {
	EXPECT_EQ(parse_time("2016-12-31T23:59:60Z"), parse_time("2017-01-01T00:00:00Z"));
}

TEST(Times, ThatAreNoneAreRefused) {
	const std::string good = "2026-01-31T23:59:59.123456+01:00";
	ASSERT_TRUE(parse_time(good));
	for (size_t size = 0; size < good.size(); size++)
		EXPECT_EQ(parse_time(good.substr(0, size)), std::nullopt) << size;
	for (const char *text : {"2026-01-31", "2026-01-31T23:59:59", "2026-01-31 23:59:59Z",
			 "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-00-01T00:00:00Z",
			 "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-00T00:00:00Z",
			 "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
			 "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00",
			 "2026-01-01T00:00:00+01:60", "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01",
			 "2026-01-01T00:00:00 01:00", "2026-1-1T00:00:00Z", "26-01-01T00:00:00Z",
			 "+2026-01-01T00:00:00Z", "-2026-01-01T00:00:00Z", "12026-01-01T00:00:00Z",
			 "2026-01-01T00:00:00Zx", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
			 "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-01T-1:00:00Z",
			 "2026-01-01T+1:00:00Z", "today", "now", "infinity", "1e9"})
		EXPECT_EQ(parse_time(text), std::nullopt) << text;
	EXPECT_EQ(parse_time(std::string_view("2026-01-01T00:00:00Z\0", 21)), std::nullopt);
}

} // namespace

} // namespace tokpay
