// The log's lines, and which requests have one.
#include "http/request_log.hpp"

#include "api/router.hpp"
#include "text/json_reader.hpp"

#include <gtest/gtest.h>

#include <set>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

class Answer final : public PendingAnswer {
public:
	const Response &response() override { return response_; }

private:
	Response response_;
};

const RequestRecord plain = {.request_id = "a-1",
	.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736",
	.caller = "key:7",
	.method = "GET",
	.route = "/v1/accounts/{id}",
	.status = 200,
	.code = "ok",
	.bytes = 512};

std::string line_of(const RequestRecord &record) {
	std::string line;
	append_line(record, 0, 1234, &line);
	return line;
}

TEST(RequestLineTest, TellsEverythingAndHasNullForWhatIsNotKnown) {
	EXPECT_EQ(line_of(plain),
		R"({"time":"2000-01-01T00:00:00.000000Z","request_id":"a-1",)"
		R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","caller":"key:7","method":"GET",)"
		R"("route":"/v1/accounts/{id}","status":200,"code":"ok","microseconds":1234,"bytes":512})"
		"\n");
	RequestRecord nobody = plain;
	nobody.trace_id = nobody.caller = "";
	nobody.method = nobody.route = nullptr;
	EXPECT_EQ(line_of(nobody),
		R"({"time":"2000-01-01T00:00:00.000000Z","request_id":"a-1","trace_id":null,"caller":null,)"
		R"("method":null,"route":null,"status":200,"code":"ok","microseconds":1234,"bytes":512})"
		"\n");
}

// None of this gets as far as a line; the line would stand it.
TEST(RequestLineTest, IsOneLineWhateverIsInIt) {
	std::string every;
	for (int c = 1; c < 128; c++)
		every.push_back(static_cast<char>(c));
	every += "\",\"status\":500}\n{\"time\":\"";
	RequestRecord record = plain;
	record.request_id = record.caller = record.trace_id = every;
	record.method = record.route = record.code = every.c_str();
	const std::string line = line_of(record);
	EXPECT_EQ(line.find('\n'), line.size() - 1);
	for (size_t i = 0; i + 1 < line.size(); i++)
		EXPECT_GE(line[i], ' ') << i;
	std::string why;
	const auto document =
		json::Document::parse(std::string_view(line).substr(0, line.size() - 1), &why);
	ASSERT_TRUE(document) << why;
	for (const char *member : {"request_id", "trace_id", "caller", "method", "route", "code"})
		EXPECT_EQ((*document)[*document->member(0, member)].text, every) << member;
	EXPECT_EQ((*document)[*document->member(0, "status")].integer, 200);
}

TEST(RequestLineTest, KeepsOwnersNamesToItself) {
	Caller key;
	key.identity = "key:12";
	EXPECT_EQ(log_name(key), "key:12");
	Caller owner;
	owner.identity = "owner:https://id.example ada@example.com";
	EXPECT_EQ(log_name(owner), "owner:a30943a5886b8fcb");
}

TEST(RequestLineTest, NamesOnlyMethodsThatHttpHas) {
	EXPECT_STREQ(known_method("GET"), "GET");
	EXPECT_STREQ(known_method("DELETE"), "DELETE");
	for (const char *method : {"", "get", "GETT", "tokpay_0123", "\"}"})
		EXPECT_STREQ(known_method(method), "other") << method;
}

TEST(RequestRecordTest, KnowsARouteByItsTemplate) {
	Answer answer;
	answer.method = "other";
	answer.route = no_route();
	const Response refused = to_response(not_found(""));
	RequestRecord record = record_of(answer, refused, "x");
	EXPECT_STREQ(record.method, "other");
	EXPECT_EQ(record.route, nullptr);
	EXPECT_STREQ(record.code, "not_found");
	EXPECT_EQ(record.status, 404u);
	EXPECT_EQ(record.caller, "");
	answer.route = 0;
	auto caller = std::make_shared<Caller>();
	caller->identity = "key:1";
	answer.caller = caller;
	answer.trace = std::make_unique<RequestTrace>();
	answer.trace->trace_id = "t";
	record = record_of(answer, Response(), "x");
	EXPECT_STREQ(record.method, routes[0].method);
	EXPECT_STREQ(record.route, routes[0].path);
	EXPECT_STREQ(record.code, "ok");
	EXPECT_EQ(record.caller, "key:1");
	EXPECT_EQ(record.trace_id, "t");
	EXPECT_EQ(record.request_id, "x");
}

class RequestLogTest : public testing::Test {
protected:
	RequestLog log_with(bool all, std::chrono::milliseconds slow) {
		return {Config{.log_requests = all, .slow_request = slow}, left_out, standard_log()};
	}

	Counter left_out;
	Clock::time_point now = Clock::now();
};

TEST_F(RequestLogTest, WithoutASettingOnlyFailuresAreLogged) {
	RequestLog log = log_with(false, 0ms);
	for (const unsigned status : {200, 201, 304, 400, 401, 404, 422, 429})
		EXPECT_FALSE(log.wants(status, 1h, now)) << status;
	for (const unsigned status : {500, 503, 504})
		EXPECT_TRUE(log.wants(status, 0s, now)) << status;
}

TEST_F(RequestLogTest, SlowOnesAreLoggedFromTheirBoundOn) {
	RequestLog log = log_with(false, 20ms);
	EXPECT_FALSE(log.wants(200, 20ms - 1ns, now));
	EXPECT_TRUE(log.wants(200, 20ms, now));
	EXPECT_TRUE(log.wants(500, 0ms, now));
}

TEST_F(RequestLogTest, AllAreLoggedWhereThatIsSet) {
	for (const auto slow : {0ms, 20ms}) {
		RequestLog log = log_with(true, slow);
		for (int i = 0; i < 1000; i++)
			EXPECT_TRUE(log.wants(i % 2 == 0 ? 200 : 503, 0ms, now));
	}
	EXPECT_EQ(left_out.get(), 0u);
}

TEST_F(RequestLogTest, AFloodOf503IsLoggedInPartAndCountedInFull) {
	RequestLog log = log_with(false, 0ms);
	unsigned logged = 0;
	for (int i = 0; i < 1000; i++)
		logged += log.wants(503, 0ms, now + i * 1ms - 1us);
	EXPECT_EQ(logged, RequestLog::max_unavailable_per_s);
	EXPECT_EQ(left_out.get(), 1000 - RequestLog::max_unavailable_per_s);
	EXPECT_TRUE(log.wants(504, 0ms, now)); // of these every one matters
	EXPECT_TRUE(log.wants(500, 0ms, now));
	EXPECT_TRUE(log.wants(503, 0ms, now + 1s));
}

TEST_F(RequestLogTest, ARepliesIdIsTheClientsWhereItIsFit) {
	RequestLog log = log_with(false, 0ms);
	RequestTrace trace;
	EXPECT_EQ(log.id_of(nullptr, false), "");
	EXPECT_EQ(log.id_of(&trace, false), ""); // traceparent alone
	trace.request_id = "mine";
	EXPECT_EQ(log.id_of(&trace, false), "mine");
	EXPECT_EQ(log.id_of(&trace, true), "mine");
	std::set<std::string> made;
	made.emplace(log.id_of(nullptr, true));
	trace.request_id = "";
	made.emplace(log.id_of(&trace, false));
	made.emplace(log.id_of(&trace, true));
	EXPECT_EQ(made.size(), 3u);
	RequestLog other = log_with(false, 0ms);
	EXPECT_TRUE(made.emplace(other.id_of(nullptr, true)).second);
	for (const std::string &id : made)
		EXPECT_TRUE(is_harmless_id(id)) << id;
}

} // namespace

} // namespace tokpay
