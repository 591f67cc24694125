// Plain bodies: which are read in one pass, and that the complete readers make the same of every
// body that is.
#include "api/body_reader.hpp"
#include "api/plain_body.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace tokpay {

namespace {

const std::string credit = R"({"account":"2","amount":3})";
const std::string transfer = R"({"debit":"1","credits":[)" + credit + "]}";

std::string keyed(const std::string &key, const std::string &members = "") {
	return R"({"key":)" + key + R"(,"debit":"1","credits":[)" + credit + "]" + members + '}';
}

std::string repeated(size_t count, const std::string &element) {
	std::string list;
	for (size_t i = 0; i < count; i++)
		list.append(list.empty() ? "" : ",").append(element);
	return '[' + list + ']';
}

// Whether a body is plain to one of the readers; all of them agree with the complete ones.
bool is_plain(std::string_view body) {
	const auto agree = [&](const auto &plain, const auto &complete) {
		if (plain) {
			EXPECT_TRUE(complete && *complete == *plain) << body.substr(0, 300);
		}
		return plain.has_value();
	};
	const bool of_one = agree(plain::read_transfer_body(body), complete::read_transfer_body(body));
	const bool of_batch =
		agree(plain::read_transfer_batch(body), complete::read_transfer_batch(body));
	const bool of_query =
		agree(plain::read_balances_query(body), complete::read_balances_query(body));
	return of_one || of_batch || of_query;
}

const std::vector<std::string> plain_bodies = {
	transfer,
	" {\t\"credits\" :\n[ {\"amount\":9223372036854775807 "
	",\"account\":\"9223372036854775807\"},\r" +
		credit + R"( ] , "description":"Rent, #5 {[:]}~","debit":"1"} )",
	R"({"debit":"1","description":"","credits":[)" + credit + "]}",
	R"({"transfers":[)" + keyed(R"("k-1")") + ',' + keyed("\" ~\"", R"(,"chain":0)") + ',' +
		keyed("\"k\"", R"(,"chain":2147483647,"description":"d")") + "]}",
	R"({"accounts":["1"]})",
	R"({ "accounts" : [ "1" , "22", "1" ] })",
};

} // namespace

TEST(PlainBodies, AreReadInOnePass) {
	for (const std::string &body : plain_bodies)
		EXPECT_TRUE(is_plain(body)) << body;
	EXPECT_TRUE(is_plain(R"({"debit":"1","credits":)" + repeated(10000, credit) + "}"));
	EXPECT_TRUE(is_plain(R"({"debit":"1","credits":[)" + credit + R"(],"description":")" +
						 std::string(10000, 'x') + "\"}"));
	EXPECT_TRUE(is_plain(R"({"transfers":[)" + keyed('"' + std::string(255, 'x') + '"') + "]}"));
	EXPECT_TRUE(is_plain(R"({"transfers":)" + repeated(10000, keyed("\"k\"")) + "}"));
	EXPECT_TRUE(is_plain(R"({"accounts":)" + repeated(10000, "\"7\"") + "}"));
}

TEST(PlainBodies, AreNoneThatAreWrongOrWrittenInAnotherWay) {
	const std::string with_credits = R"({"debit":"1","credits":)";
	for (const std::string &body : {""s, "{}"s, "[]"s, "null"s, R"({"debit":"1"})"s,
			 R"({"credits":[)" + credit + "]}", with_credits + "[]}", transfer + transfer,
			 R"({"debit":"1","debit":"1","credits":[)" + credit + "]}",
			 R"({"debit":"1","credits":[)" + credit + R"(],"credits":[)" + credit + "]}",
			 with_credits + R"([{"account":"2","account":"2","amount":3}]})",
			 with_credits + R"([{"account":"2","amount":0,"amount":3}]})",
			 with_credits + R"([{"account":"2","amount":9223372036854775808}]})",
			 with_credits + R"([{"account":"9223372036854775808","amount":1}]})",
			 with_credits + R"([{"account":"02","amount":1}]})",
			 with_credits + R"([{"account":"2","amount":01}]})",
			 with_credits + R"([{"account":"2","amount":-1}]})",
			 with_credits + R"([{"account":"2","amount":1.0}]})",
			 with_credits + R"([{"account":"2","amount":1e1}]})", with_credits + "[{}]}",
			 with_credits + repeated(10001, credit) + "}",
			 R"({"debit":"1","credits":[)" + credit + R"(],"description":")" +
				 std::string(10001, 'x') + "\"}",
			 R"({"debit":"1","credits":[)" + credit + R"(],"description":"\u0000"})",
			 R"({"debit":"1","credits":[)" + credit + R"(],"description":"é"})",
			 R"({"debit":"1","credits":[)" + credit + R"(],"description":null})",
			 R"({"debit":"1","credits":[)" + credit + R"(],"metadata":{}})",
			 R"({"debit":"1","credits":[)" + credit + R"(],"key":"k"})",
			 R"({"debit":"1","credits":[)" + credit + R"(],"chain":1})", R"({"transfers":[]})"s,
			 R"({"transfers":[)" + transfer + "]}", R"({"transfers":[)" + keyed("\"\"") + "]}",
			 R"({"transfers":[)" + keyed("\"\"", R"(,"key":"k")") + "]}",
			 R"({"transfers":[)" + keyed("\"k\"", R"(,"key":"k")") + "]}",
			 R"({"transfers":[)" + keyed('"' + std::string(256, 'x') + '"') + "]}",
			 R"({"transfers":[)" + keyed("\"k\"", R"(,"chain":2147483648)") + "]}",
			 R"({"transfers":[)" + keyed("\"k\"", R"(,"chain":1,"chain":1)") + "]}",
			 R"({"transfers":)" + repeated(10001, keyed("\"k\"")) + "}", R"({"accounts":[]})"s,
			 R"({"accounts":["1"],"accounts":["1"]})"s, R"({"accounts":[1]})"s,
			 R"({"accounts":)" + repeated(10001, "\"7\"") + "}"})
		EXPECT_FALSE(is_plain(body)) << body.substr(0, 300);
	const std::string full = R"({"key":"k","debit":"1","credits":)" + repeated(10000, credit) + "}";
	EXPECT_FALSE(is_plain(R"({"transfers":)" + repeated(11, full) + "}"));
}

// All texts that are a byte away from a body: some stay plain, and of none is more read than it
// says.
TEST(PlainBodies, AreWhatTheCompleteReadersSayAlsoAByteAway) {
	std::vector<std::string> bodies = plain_bodies;
	for (const auto &seed : std::filesystem::directory_iterator(BODY_SEEDS)) {
		std::stringstream text;
		text << std::ifstream(seed.path()).rdbuf();
		bodies.push_back(text.str());
	}
	EXPECT_GT(bodies.size(), plain_bodies.size());
	constexpr std::string_view bytes = "019-+.eE\"\\/{}[]:, \nax\0\x1f\x7f\x80\xc3"sv;
	size_t plain = 0;
	for (const std::string &body : bodies) {
		if (body.size() > 1000)
			continue;
		for (size_t i = 0; i <= body.size(); i++) {
			const std::string head = body.substr(0, i);
			plain += is_plain(head);
			if (i < body.size())
				plain += is_plain(head + body.substr(i + 1));
			for (const char byte : bytes) {
				plain += is_plain(head + byte + body.substr(i));
				if (i < body.size())
					plain += is_plain(head + byte + body.substr(i + 1));
			}
		}
	}
	EXPECT_GT(plain, 1000u);
}

} // namespace tokpay
