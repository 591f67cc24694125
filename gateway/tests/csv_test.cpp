// Exports: lines that a program reads as they were, and that a spreadsheet does not execute.
#include "text/csv.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

std::string text(std::string_view value) {
	std::string out;
	CsvLine(out).text(value);
	return out;
}

TEST(Csv, ALineHasCommasBetweenAndEndsAsTheRfcSays) {
	std::string out;
	CsvLine line(out);
	line.plain("1");
	line.text("a");
	line.plain("");
	line.plain("-5");
	line.end();
	EXPECT_EQ(out, "1,\"a\",,-5\r\n");
	CsvLine(out).plain("2");
	EXPECT_EQ(out, "1,\"a\",,-5\r\n2");
}

TEST(Csv, TextsAreQuoted) {
	const std::pair<const char *, const char *> cases[] = {{"", R"("")"}, {"a", R"("a")"},
		{"a,b", R"("a,b")"}, {R"(say "hi")", R"("say ""hi""")"}, {"\"", R"("""")"},
		{"a\r\nb", "\"a\r\nb\""}, {"é;\t", "\"é;\t\""}};
	for (const auto &[value, quoted] : cases)
		EXPECT_EQ(text(value), quoted);
}

TEST(Csv, NoTextIsAFormula) {
	for (const char *value : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx",
			 "=HYPERLINK(\"https://evil.example\",\"pay\")", "=", "-"}) {
		const std::string cell = text(value);
		EXPECT_EQ(cell.substr(0, 2), "\"'") << value;
		EXPECT_EQ(cell[2], value[0]) << value;
	}
	// Spreadsheets that separate cells by semicolons or tabs do not see the quotes.
	const std::pair<const char *, const char *> inside[] = {{"x;=1", R"("x;'=1")"},
		{"x\t+1", "\"x\t'+1\""}, {"x\r\n-1", "\"x\r\n'-1\""}, {"x;;@A", R"("x;;'@A")"},
		{"x;\"=1\"", R"("x;""'=1""")"}, {"＝1", R"("'＝1")"}, {"＋1", R"("'＋1")"},
		{"－1", R"("'－1")"}, {"x;＠A", R"("x;'＠A")"}};
	for (const auto &[value, cell] : inside)
		EXPECT_EQ(text(value), cell);
	const std::pair<const char *, const char *> harmless[] = {
		{"a=1", R"("a=1")"}, {" =1", R"(" =1")"}, {"1-1", R"("1-1")"}, {"'=1", R"("'=1")"}};
	for (const auto &[value, cell] : harmless)
		EXPECT_EQ(text(value), cell);
}

} // namespace

} // namespace tokpay
