// What clients call their requests: ids that may be repeated, and traceparent.
#include "http/request_trace.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

const std::string trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string traceparent = "00-" + trace_id + "-00f067aa0ba902b7-01";

std::string with(const std::string &text, size_t at, const std::string &part) {
	return std::string(text).replace(at, part.size(), part);
}

TEST(RequestIdTest, TokensAreHarmless) {
	for (const char *text : {"a", "0", "1-67891233-abcdef012345678912345678", "Root=1-2",
			 "a/b:c+d_e", "6a1f6b9e-7f0a-4c8e-9f43-2a55b4f1c1de", "tokpay", "tokpay-1"})
		EXPECT_TRUE(is_harmless_id(text)) << text;
	EXPECT_TRUE(is_harmless_id(std::string(128, 'x')));
}

TEST(RequestIdTest, WhatCouldBreakALineOrBeASecretIsNot) {
	EXPECT_FALSE(is_harmless_id(""));
	EXPECT_FALSE(is_harmless_id(std::string(129, 'x')));
	for (int c = 0; c < 256; c++) {
		const char character = static_cast<char>(c);
		const bool fine = std::string_view("-_=+/:").find(character) != std::string_view::npos ||
						  (c < 128 && std::isalnum(c) != 0);
		EXPECT_EQ(is_harmless_id("a" + std::string(1, character) + "b"), fine) << c;
	}
	const std::string key = "tokpay_" + std::string(64, 'a');
	EXPECT_FALSE(is_harmless_id(key));
	EXPECT_FALSE(is_harmless_id("id=" + key));
	EXPECT_FALSE(is_harmless_id("eyJhbGciOiJFUzI1NiJ9.e30.AAAA"));
	EXPECT_FALSE(is_harmless_id("ada@example.com"));
}

TEST(TraceparentTest, TellsTheTrace) {
	EXPECT_EQ(trace_id_of(traceparent), trace_id);
	EXPECT_EQ(trace_id_of(with(traceparent, 53, "00")), trace_id);
	EXPECT_EQ(trace_id_of(with(traceparent, 0, "01")), trace_id);
	EXPECT_EQ(trace_id_of(with(traceparent, 0, "cc") + "-what-comes-later"), trace_id);
}

TEST(TraceparentTest, IsIgnoredWhereItIsMalformed) {
	for (const std::string &text :
		{std::string(), std::string("00"), traceparent.substr(0, 54), traceparent + "-",
			traceparent + "0", traceparent + "-00", with(traceparent, 0, "cc") + "x",
			with(traceparent, 0, "ff"), with(traceparent, 0, "0x"), with(traceparent, 2, "_"),
			with(traceparent, 35, "_"), with(traceparent, 52, "_"), with(traceparent, 3, "4BF"),
			with(traceparent, 3, "4b\""), with(traceparent, 3, std::string(32, '0')),
			with(traceparent, 36, std::string(16, '0')), with(traceparent, 36, "g"),
			with(traceparent, 53, "1F"), ' ' + traceparent})
		EXPECT_EQ(trace_id_of(text), "") << text;
	for (size_t at = 0; at < traceparent.size(); at++)
		EXPECT_EQ(trace_id_of(with(traceparent, at, "\n")), "") << at;
}

std::unique_ptr<RequestTrace> trace_of(std::vector<HttpHeader> headers) {
	HttpRequest request;
	request.headers = std::move(headers);
	return read_trace(request);
}

TEST(RequestTraceTest, IsThereOnlyWhereTheClientSentOne) {
	EXPECT_EQ(trace_of({{"Host", "x"}, {"X-Request-Idd", "a"}, {"tracestate", "a=b"}}), nullptr);
	const auto only_id = trace_of({{"Host", "x"}, {"x-request-ID", "a"}});
	EXPECT_EQ(only_id->request_id, "a");
	EXPECT_EQ(only_id->trace_id, "");
	const auto only_trace = trace_of({{"Traceparent", traceparent}});
	EXPECT_EQ(only_trace->request_id, std::nullopt);
	EXPECT_EQ(only_trace->trace_id, trace_id);
}

TEST(RequestTraceTest, RemembersThatAnIdWasSentThatIsNotToBeRepeated) {
	for (const char *id : {"", " ", "a b", "a\tb", "\"", "\x1b[2J", "\xc3\xa9"})
		EXPECT_EQ(trace_of({{"X-Request-Id", id}})->request_id, "") << id;
}

TEST(RequestTraceTest, BelievesNoneOfTwo) {
	const HttpHeader id{"X-Request-Id", "a"};
	const HttpHeader trace{"traceparent", traceparent};
	for (const size_t times : {2, 3}) {
		EXPECT_EQ(trace_of(std::vector(times, id))->request_id, "");
		EXPECT_EQ(trace_of(std::vector(times, trace))->trace_id, "");
	}
}

} // namespace

} // namespace tokpay
