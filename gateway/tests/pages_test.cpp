// What stands in the app's page.
#include "web/pages.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace tokpay {

namespace {

constexpr std::string_view html =
	"<!doctype html><html lang=\"en\" dir=\"ltr\" data-theme=\"system\"><body><!--data--></body>";

std::string filled(const PageLook &look, std::span<const PageEntry> entries = {}) {
	return PageTemplate::parse(html)->fill(look, entries);
}

TEST(PageData, IsAnObjectOfUrlsAndTheirBodies) {
	EXPECT_EQ(page_data({}), "{}");
	const std::vector<PageEntry> entries = {{"/v1/me", R"({"a":1})"}, {"/auth/session", "null"}};
	EXPECT_EQ(page_data(entries), R"({"/v1/me":{"a":1},"/auth/session":null})");
}

TEST(PageData, CannotEndItsScriptElement) {
	for (const char *text : {"</script>", "<!--<script>", "</SCRIPT >", "a<"}) {
		const std::vector<PageEntry> entries = {{"/", '"' + std::string(text) + '"'}};
		EXPECT_EQ(page_data(entries).find('<'), std::string::npos) << text;
	}
	const std::vector<PageEntry> entries = {{"/", "\"<\u2028\u2029\u202a\""}};
	EXPECT_EQ(page_data(entries), "{\"/\":\"\\u003c\\u2028\\u2029\u202a\"}");
}

TEST(PageTemplate, IsFilledAtItsMarkers) {
	const std::vector<PageEntry> entries = {{"/v1/config", "{}"}};
	EXPECT_EQ(filled({.locale = "de-CH", .theme = "dark"}, entries),
		"<!doctype html><html lang=\"de-CH\" dir=\"ltr\" data-theme=\"dark\"><body>"
		"<script type=\"application/json\" id=\"data\">{\"/v1/config\":{}}</script></body>");
	EXPECT_NE(
		filled({}).find(R"(<html lang="en" dir="ltr" data-theme="system">)"), std::string::npos);
}

TEST(PageTemplate, KnowsWhichLanguagesAreWrittenFromTheRight) {
	for (const char *locale : {"ar", "he-IL", "fa", "ur-PK"})
		EXPECT_NE(filled({.locale = locale}).find("dir=\"rtl\""), std::string::npos) << locale;
	for (const char *locale : {"arn", "en", "h", "zh-Hant"})
		EXPECT_NE(filled({.locale = locale}).find("dir=\"ltr\""), std::string::npos) << locale;
}

TEST(PageTemplate, TakesNoTextThatIsNoLocaleOrTheme) {
	for (const char *text : {"\"><script>", "", "en us", "<", "\u00e9"}) {
		EXPECT_EQ(filled({.locale = text}), filled({})) << text;
		EXPECT_EQ(filled({.theme = text}), filled({})) << text;
	}
}

TEST(PageTemplate, NeedsEachMarkerOnceAndInOrder) {
	const std::string attributes = R"(lang="en" dir="ltr" data-theme="system")";
	EXPECT_TRUE(PageTemplate::parse(attributes + "<!--data-->"));
	for (const std::string &wrong : {std::string(), std::string("<!--data-->"), attributes,
			 "<!--data-->" + attributes, attributes + attributes + "<!--data-->",
			 attributes + "<!--data--><!--data-->", attributes + "<!-- data -->"})
		EXPECT_FALSE(PageTemplate::parse(wrong)) << wrong;
}

} // namespace

} // namespace tokpay
