// The Cookie header: whole names, one value, nothing odd.
#include "http/cookie.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

TEST(Cookie, IsFoundByItsWholeName) {
	const std::pair<const char *, const char *> cases[] = {{"s=1", "1"}, {"a=2; s=1; b=3", "1"},
		{"a=2;s=1", "1"}, {"xs=2; s=1; sx=3", "1"}, {"s=", ""}, {"s=\"1\"", "1"}, {"s=a=b", "a=b"},
		{"a; s=1", "1"}, {"a=\"x; s=1", "1"}};
	for (const auto &[header, value] : cases)
		EXPECT_EQ(find_cookie(header, "s"), value) << header;
	EXPECT_EQ(find_cookie("__Host-tokpay=x", "__Host-tokpay"), "x");
}

TEST(Cookie, IsNotThere) {
	for (const char *header : {"", ";", "=", "s", "S=1", "t=1", " =s", "s =1", "s\t=1", ";;;"})
		EXPECT_FALSE(find_cookie(header, "s")) << header;
}

TEST(Cookie, ThatComesTwiceOrIsOddIsNone) {
	for (const char *header : {"s=1; s=2", "s=1; s=1", "s=1; a=2; s=3", "s=a b", "s=a,b", "s=\"",
			 "s=\"a", "s=a\\b", "s=\xc3\xa9", "s=a\x01", "s=\"a\"b\""})
		EXPECT_FALSE(find_cookie(header, "s")) << header;
}

} // namespace

} // namespace tokpay
