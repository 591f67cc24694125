// JSON texts in and out: what is one, what is kept exactly, and that documents survive being moved.
#include "text/json_reader.hpp"
#include "text/json_writer.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace tokpay::json {

namespace {

std::optional<Document> parse(std::string_view text) {
	std::string why;
	auto document = Document::parse(text, &why);
	EXPECT_EQ(document.has_value(), why.empty()) << text;
	return document;
}

std::string why_not(std::string_view text) {
	std::string why;
	EXPECT_FALSE(Document::parse(text, &why)) << text;
	return why;
}

std::string text_of(const Document &document, uint32_t index = 0) {
	std::string text;
	document.append_text(index, &text);
	return text;
}

// Reading

TEST(JsonReader, EveryKindOfValue) {
	const std::pair<std::string_view, Type> cases[] = {{"null", Type::null},
		{"true", Type::boolean}, {" false ", Type::boolean}, {"0", Type::integer},
		{"1.5", Type::number}, {"\"\"", Type::string}, {"[]", Type::array}, {"{}", Type::object}};
	for (const auto &[text, type] : cases) {
		const auto document = parse(text);
		ASSERT_TRUE(document) << text;
		EXPECT_EQ((*document)[0].type, type) << text;
		EXPECT_EQ((*document)[0].end, 1u) << text;
	}
	EXPECT_TRUE((*parse("true"))[0].boolean);
	EXPECT_FALSE((*parse("false"))[0].boolean);
}

TEST(JsonReader, IntegersAreExactOverTheWholeInt64) {
	const std::pair<std::string_view, int64_t> cases[] = {{"0", 0}, {"-0", 0}, {"7", 7}, {"-1", -1},
		{"9007199254740993", 9007199254740993}, {"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN}};
	for (const auto &[text, value] : cases) {
		const auto document = parse(text);
		ASSERT_TRUE(document) << text;
		EXPECT_EQ((*document)[0].type, Type::integer) << text;
		EXPECT_EQ((*document)[0].integer, value) << text;
		EXPECT_EQ((*document)[0].text, text);
	}
}

TEST(JsonReader, OtherNumbersAreNoIntegersAndKeepTheirText) {
	for (const std::string_view text :
		{"9223372036854775808", "-9223372036854775809", "18446744073709551616", "1.0", "1.5", "1e2",
			"1E+2", "-0.0", "0e0", "1e400", "1e-400", "123456789012345678901234567890",
			"0.10000000000000000000000000000000000000000001", "1.7976931348623157e308"}) {
		const auto document = parse(text);
		ASSERT_TRUE(document) << text;
		EXPECT_EQ((*document)[0].type, Type::number) << text;
		EXPECT_EQ((*document)[0].text, text);
		EXPECT_EQ(text_of(*document), text);
	}
}

TEST(JsonReader, NumbersKeepTheirTextInsideContainers) {
	const std::string text = "{\"a\":[1.0,2e3,3],\"b\":-4.50,\"c\":5}";
	EXPECT_EQ(text_of(*parse(text)), text);
}

TEST(JsonReader, EscapesAreRead) {
	const std::pair<std::string_view, std::string_view> cases[] = {
		{R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"}, {R"("\u0041\u00e9\u20AC")", "Aé€"},
		{R"("\ud83d\ude00")", "😀"}, {"\"é€😀\"", "é€😀"}, {"\"\x7f\"", "\x7f"},
		{R"("a\u0000b")", "a\0b"sv}, {R"("\u0000")", "\0"sv}};
	for (const auto &[text, value] : cases) {
		const auto document = parse(text);
		ASSERT_TRUE(document) << text;
		EXPECT_EQ((*document)[0].text, value) << text;
	}
	const auto named = parse(R"({"\u0000":1,"a\"b":2})");
	EXPECT_TRUE(named->member(0, "\0"sv));
	EXPECT_TRUE(named->member(0, "a\"b"));
}

TEST(JsonReader, MembersAndElementsAreWalkedInOrder) {
	const auto document = parse(R"({"b":[1,[2,3],{"b":4}],"a":{"c":{}},"":5})");
	ASSERT_TRUE(document);
	std::vector<std::string_view> names;
	document->for_each(0, [&](uint32_t i) { names.push_back((*document)[i].name); });
	EXPECT_EQ(names, (std::vector<std::string_view>{"b", "a", ""}));
	const uint32_t array = *document->member(0, "b");
	std::vector<std::string> elements;
	document->for_each(array, [&](uint32_t i) { elements.push_back(text_of(*document, i)); });
	EXPECT_EQ(elements, (std::vector<std::string>{"1", "[2,3]", "{\"b\":4}"}));
	EXPECT_EQ((*document)[array + 1].name, "");
	EXPECT_EQ((*document)[*document->member(0, "")].integer, 5);
	EXPECT_FALSE(document->member(0, "c"));
	EXPECT_FALSE(document->member(array, "b"));
}

TEST(JsonReader, AMemberThatComesTwiceIsRefusedByName) {
	for (const std::string_view text : {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})",
			 R"({"a":1,"\u0061":2})", R"([{"x":{"a":{},"a":[]}}])", R"({"a":1,"b":{"a":1,"a":2}})"})
		EXPECT_EQ(why_not(text), "the member \"a\" comes twice") << text;
	why_not(R"({"":1,"":2})");
	EXPECT_TRUE(parse(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}],"A":1})"));
}

TEST(JsonReader, NestingHasABound) {
	const auto nested = [](size_t depth) {
		return std::string(depth, '[') + std::string(depth, ']');
	};
	EXPECT_TRUE(parse(nested(32)));
	EXPECT_FALSE(parse(nested(33)));
	EXPECT_FALSE(parse(std::string(1000000, '[')));
}

TEST(JsonReader, WhatIsNotJsonIsRefusedWithAPlace) {
	const std::string_view cases[] = {"", " ", "nul", "tru", "{", "[", "\"", "{]", "[1,]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "'a'", "01", "-", "1.", ".5", "+1", "1e",
		"1e+", "NaN", "Infinity", "0x1", "1 2", "{}{}", "{} x", "\"\n\"", "\"\t\"", "\"\0\""sv,
		"\0"sv, "\"\\x\"", "\"\\u12\"", R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")",
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc3\"",
		"// x\n1", "[1] /**/", "\xef\xbb\xbf{}"};
	for (const std::string_view text : cases)
		EXPECT_NE(why_not(text).find(" at byte "), std::string::npos) << text;
}

TEST(JsonReader, EveryPrefixOfAnObjectIsIncomplete) {
	const std::string text = R"({"a":[1,-2.5e3,"x\u00e9\n"],"b":{"c":null,"d":true}})";
	for (size_t size = 0; size < text.size(); size++)
		EXPECT_FALSE(parse(std::string_view(text).substr(0, size))) << size;
	EXPECT_TRUE(parse(text));
}

// Short texts would live inside a std::string and change their place with it.
TEST(JsonReader, DocumentsSurviveBeingMovedHoweverShort) {
	for (const std::string text : {"\"a\"", "1.5", "[\"\"]", "{\"a\":\"b\"}", "{\"n\":12.50}"}) {
		std::vector<Document> moved;
		for (int i = 0; i < 20; i++)
			moved.push_back(*parse(text));
		Document last = std::move(moved.front());
		moved.erase(moved.begin());
		moved.shrink_to_fit();
		EXPECT_EQ(text_of(last), text);
		for (const Document &document : moved)
			EXPECT_EQ(text_of(document), text);
	}
}

TEST(JsonReader, TheTextMayGoAway) {
	auto text = std::make_unique<std::string>(R"({"name":"value","n":1.50})");
	const auto document = parse(*text);
	text->assign(text->size(), '!');
	text.reset();
	EXPECT_EQ(text_of(*document), R"({"name":"value","n":1.50})");
}

TEST(JsonReader, LongTextsAreWhole) {
	const std::string text = '"' + std::string(1000000, 'x') + "\\n\"";
	EXPECT_EQ((*parse(text))[0].text.size(), 1000001u);
	std::string many = "[";
	for (int i = 0; i < 100000; i++)
		many += "\"a\",";
	many.back() = ']';
	EXPECT_EQ(text_of(*parse(many)), many);
}

// Writing

TEST(JsonWriter, ObjectsArraysAndCommas) {
	std::string text;
	Writer out(text);
	out.begin_object();
	out.member("a", int64_t{1});
	out.name("b");
	out.begin_array();
	out.value(Id{2});
	out.value(std::nullopt);
	out.begin_object();
	out.end_object();
	out.value(true);
	out.end_array();
	out.member("c", std::optional<int64_t>());
	out.member("d", std::optional<int64_t>(-3));
	out.member("e", Raw{"{\"x\": 1}"});
	out.end_object();
	EXPECT_EQ(text, R"({"a":1,"b":["2",null,{},true],"c":null,"d":-3,"e":{"x": 1}})");
	EXPECT_TRUE(parse(text));
}

TEST(JsonWriter, IntegersAreExact) {
	std::string text;
	Writer out(text);
	out.begin_array();
	out.value(INT64_MAX);
	out.value(INT64_MIN);
	out.value(Id{INT64_MAX});
	out.end_array();
	EXPECT_EQ(text, R"([9223372036854775807,-9223372036854775808,"9223372036854775807"])");
}

TEST(JsonWriter, TextsAreReadBackAsTheyWere) {
	std::string every;
	for (int c = 0; c < 128; c++)
		every.push_back(static_cast<char>(c));
	for (const std::string &text : {every, "é€😀"s, ""s, "\"\\"s, "a\0b"s}) {
		std::string written;
		append_string(text, &written);
		const auto document = parse(written);
		ASSERT_TRUE(document) << written;
		EXPECT_EQ((*document)[0].text, text);
	}
}

TEST(JsonWriter, TimesAreRfc3339WithMicrosecondsInUtc) {
	constexpr int64_t second = 1000000;
	constexpr int64_t day = 86400 * second;
	const std::pair<int64_t, const char *> cases[] = {{0, "2000-01-01T00:00:00.000000Z"},
		{1, "2000-01-01T00:00:00.000001Z"}, {-1, "1999-12-31T23:59:59.999999Z"},
		{59 * day, "2000-02-29T00:00:00.000000Z"}, {60 * day, "2000-03-01T00:00:00.000000Z"},
		{9999 * day + 3723 * second + 45, "2027-05-18T01:02:03.000045Z"}};
	for (const auto &[microseconds, wanted] : cases) {
		std::string text;
		append_time(microseconds, &text);
		EXPECT_EQ(text, wanted);
	}
}

} // namespace

} // namespace tokpay::json
