// Query strings, pages and cursors.
#include "api/page.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace tokpay {

namespace {

HttpRequest get(std::string_view target) {
	HttpRequest request;
	request.method = "GET";
	request.target = target;
	return request;
}

Result<Parameters> read(const std::string &query) {
	return parameters(get("/v1/accounts?" + query), {"limit", "cursor", "name", "q"});
}

TEST(Parameters, AreDecoded) {
	const auto none = parameters(get("/v1/accounts"), {});
	ASSERT_TRUE(none);
	EXPECT_TRUE(none->empty());
	const auto found = read("name=a%20b%2Bc+d&q=%C3%A9&limit=");
	ASSERT_TRUE(found);
	EXPECT_EQ(*found, (Parameters{{"name", "a b+c d"}, {"q", "é"}, {"limit", ""}}));
	for (const char *empty : {"", "&", "limit=5&", "&limit=5"})
		EXPECT_TRUE(read(empty)) << empty;
}

TEST(Parameters, ThatAreUnknownComeTwiceOrAreNoneAreRefused) {
	for (const char *query : {"x=1", "limit=1&limit=1", "Limit=1", "limi%74=1&limit=1", "=1"}) {
		const auto found = read(query);
		ASSERT_FALSE(found) << query;
		EXPECT_EQ(found.error().status, 422u) << query;
	}
	for (const char *query : {"name=%", "name=%g0", "name=%2", "name=\x80", "name=a b"}) {
		const auto found = read(query);
		ASSERT_FALSE(found) << query;
		EXPECT_EQ(found.error().status, 400u) << query;
	}
}

TEST(Parameters, OfAKindAreThatKind) {
	const Parameters given{{"id", "9223372036854775807"}, {"zero", "0"}, {"negative", "-1"},
		{"time", "2000-01-01T00:00:01Z"}, {"text", "12345"}, {"nul", "a\0b"s}};
	EXPECT_EQ(*id_parameter(given, "id"), INT64_MAX);
	EXPECT_EQ(*id_parameter(given, "missing"), std::nullopt);
	EXPECT_FALSE(id_parameter(given, "zero"));
	EXPECT_EQ(*amount_parameter(given, "zero"), 0);
	EXPECT_FALSE(amount_parameter(given, "negative"));
	EXPECT_EQ(*time_parameter(given, "time"), 1000000);
	EXPECT_FALSE(time_parameter(given, "id"));
	EXPECT_EQ(*text_parameter(given, "text", 5), "12345");
	EXPECT_FALSE(text_parameter(given, "text", 4));
	EXPECT_FALSE(text_parameter(given, "nul", 5));
}

Result<Page> page_of(const std::string &target, const Parameters &parameters) {
	return page(get(target), parameters);
}

TEST(Pages, HaveALimit) {
	EXPECT_EQ(page_of("/v1/accounts", {})->limit, 100);
	for (const auto &[text, limit] : {std::pair("1", 1), std::pair("1000", 1000)})
		EXPECT_EQ(page_of("/v1/accounts", {{"limit", text}})->limit, limit);
	for (const char *text : {"", "0", "1001", "-1", "01", "1.0", "x", "9223372036854775808"})
		EXPECT_EQ(page_of("/v1/accounts", {{"limit", text}}).error().status, 422u) << text;
}

TEST(Cursors, LeadToTheNextPageOfTheSameList) {
	const std::string target = "/v1/accounts/5/entries?q=a&limit=2";
	const auto first = page_of(target, {{"q", "a"}, {"limit", "2"}});
	ASSERT_TRUE(first);
	EXPECT_EQ(first->after, std::nullopt);
	for (const int64_t place : {int64_t{1}, INT64_MAX}) {
		const std::string next = cursor(*first, place);
		const auto second = page_of(target, {{"limit", "1000"}, {"cursor", next}, {"q", "a"}});
		ASSERT_TRUE(second) << next;
		EXPECT_EQ(second->after, place);
		EXPECT_EQ(cursor(*second, place), next);
	}
}

TEST(Cursors, OfAnotherListAreRefused) {
	const auto list = page_of("/v1/accounts/5/entries", {{"q", "a"}, {"from", "b"}});
	const std::string next = cursor(*list, 7);
	EXPECT_TRUE(page_of("/v1/accounts/5/entries", {{"q", "a"}, {"from", "b"}, {"cursor", next}}));
	const std::pair<const char *, Parameters> others[] = {{"/v1/accounts/5/entries", {}},
		{"/v1/accounts/5/entries", {{"q", "a"}}},
		{"/v1/accounts/5/entries", {{"q", "b"}, {"from", "b"}}},
		{"/v1/accounts/5/entries", {{"q", "b"}, {"from", "a"}}},
		{"/v1/accounts/5/entries", {{"q", "ab"}, {"from", ""}}},
		{"/v1/accounts/6/entries", {{"q", "a"}, {"from", "b"}}},
		{"/v1/accounts", {{"q", "a"}, {"from", "b"}}}};
	for (const auto &[target, parameters] : others) {
		Parameters given = parameters;
		given.emplace("cursor", next);
		EXPECT_EQ(page_of(target, given).error().status, 422u) << target;
	}
}

TEST(Cursors, ThatWereChangedAreRefused) {
	const auto list = page_of("/v1/accounts", {});
	const std::string good = cursor(*list, 12345);
	ASSERT_TRUE(page_of("/v1/accounts", {{"cursor", good}}));
	for (size_t size = 0; size < good.size(); size++)
		EXPECT_FALSE(page_of("/v1/accounts", {{"cursor", good.substr(0, size)}})) << size;
	for (const std::string &text : {"0" + good, "-" + good, "+" + good, " " + good, good + " ",
			 good + "0", "0" + good.substr(5), "99999999999999999999" + good.substr(5), "x"s, "1"s,
			 "-"s, good + '\0'})
		EXPECT_FALSE(page_of("/v1/accounts", {{"cursor", text}})) << text;
}

} // namespace

} // namespace tokpay
