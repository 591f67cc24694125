// Entity tags: what a client has already, and what has changed since it read.
#include "http/conditional.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

const std::string body = R"({"balance":1})";
const std::string tag = etag(body);

HttpRequest with(std::string_view name, std::string_view value) {
	HttpRequest request;
	request.headers = {{name, value}};
	return request;
}

TEST(ETag, ChangesWithTheBody) {
	EXPECT_EQ(tag, etag(body));
	EXPECT_TRUE(tag.starts_with('"') && tag.ends_with('"'));
	for (const char *other : {"", R"({"balance":2})", R"({"balance":1} )", R"({"balance":1)"})
		EXPECT_NE(etag(other), tag) << other;
}

TEST(IfNoneMatch, IsThereAlreadyWhereTheTagIsListed) {
	for (const std::string &value :
		{tag, "W/" + tag, "\"x\", " + tag, tag + ",\"x\"", "W/\"x\",W/" + tag, std::string("*")}) {
		const Response response = conditional(with("If-None-Match", value), body);
		EXPECT_EQ(response.status, 304u) << value;
		EXPECT_EQ(response.body, "") << value;
		EXPECT_EQ(response.headers[0].second, tag);
	}
	for (const std::string &value :
		{std::string(), std::string("\"x\""), tag.substr(1), tag.substr(0, tag.size() - 1)}) {
		const Response response = conditional(with("If-None-Match", value), body);
		EXPECT_EQ(response.status, 200u) << value;
		EXPECT_EQ(response.body, body) << value;
		EXPECT_EQ(response.headers[0].second, tag);
	}
	EXPECT_EQ(conditional(HttpRequest(), body).status, 200u);
}

// RFC 9110, section 13.1.1: the comparison is strong.
TEST(IfMatch, IsMetByTheTagOrWithoutACondition) {
	EXPECT_TRUE(meets_if_match(HttpRequest(), body));
	for (const std::string &value :
		{tag, "\"x\", " + tag, "W/" + tag + ", " + tag, std::string("*")})
		EXPECT_TRUE(meets_if_match(with("If-Match", value), body)) << value;
	for (const std::string &value :
		{std::string(), std::string("\"x\""), "W/" + tag, tag.substr(1)})
		EXPECT_FALSE(meets_if_match(with("If-Match", value), body)) << value;
}

} // namespace

} // namespace tokpay
