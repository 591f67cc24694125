// Cookies of browsers, where they may return to, and which of their requests are believed.
#include "access/browser_session.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

TEST(Cookies, AreBoundToTheHostOverTls) {
	const Cookies cookies("https://pay.example");
	EXPECT_EQ(cookies.set(cookies.session(), "x", 60s),
		"__Host-tokpay=x; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
	EXPECT_EQ(cookies.sign_in(), "__Host-tokpay-sign-in");
}

TEST(Cookies, HaveThePortInTheirNameOnThisMachine) {
	const Cookies cookies("http://127.0.0.1:8080");
	EXPECT_EQ(cookies.set(cookies.session(), "", 0s),
		"tokpay-8080=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
	EXPECT_EQ(cookies.sign_in(), "tokpay-sign-in-8080");
}

TEST(RandomToken, Is256BitsAndNeverTheSame) {
	EXPECT_EQ(random_token().size(), 43u);
	EXPECT_NE(random_token(), random_token());
}

TEST(SessionDigest, IsNoDigestOfAnApiKey) {
	EXPECT_NE(session_digest("x"), sha256("x"));
	EXPECT_NE(link_token("x"), link_token("y"));
}

TEST(SignIn, SurvivesTheCookie) {
	const SignIn before{"demo", {"s", "n", "v"}, "/app/pay?x=1", "link"};
	const auto after = SignIn::parse(before.to_text());
	ASSERT_TRUE(after);
	EXPECT_EQ(after->provider + after->secrets.state + after->secrets.nonce +
				  after->secrets.verifier + after->return_to + after->link,
		"demosnv/app/pay?x=1link");
	EXPECT_EQ(SignIn::parse(SignIn{"demo", {"s", "n", "v"}, "/app", ""}.to_text())->link, "");
}

TEST(SignIn, ForgedCookiesAreNone) {
	const std::string good = SignIn{"demo", {"s", "n", "v"}, "/app", ""}.to_text();
	for (const std::string &text : {std::string(), good + ".", good.substr(0, good.size() - 1),
			 good + "A", "." + good, std::string("....."), std::string("x"),
			 SignIn{"demo", {"", "n", "v"}, "/app", ""}.to_text(),
			 SignIn{"demo", {"s", "n", "v"}, "//evil.example", ""}.to_text()})
		EXPECT_FALSE(SignIn::parse(text)) << text;
}

TEST(AppPath, OnlyThisAppIsReturnedTo) {
	for (const char *path : {"/app", "/app/", "/app?x", "/app/pay/abc", "/app/x?y=//z"})
		EXPECT_TRUE(is_app_path(path)) << path;
	for (const char *path : {"", "/", "/apple", "//app", "app", "https://evil.example/app",
			 "/app\\evil", "/app/../x", "/app/%2e%2e/x", "/app/%2E./x", "/app/ x",
			 "/app/\r\nSet-Cookie: a", "/app/\xc3\xa4", "/\\evil.example", "/v1/me"})
		EXPECT_FALSE(is_app_path(path)) << path;
	EXPECT_FALSE(is_app_path("/app/" + std::string(2000, 'a')));
}

struct CsrfCase {
	const char *method;
	const char *site;
	const char *origin;
	const char *page;
	bool good;
};

TEST(Csrf, AWriteShowsThatAPageOfOursSentIt) {
	constexpr const char *own = "https://pay.example";
	const CsrfCase cases[] = {{"POST", "same-origin", own, "web", true},
		{"POST", nullptr, own, "web", true}, {"POST", "same-origin", nullptr, "web", true},
		{"GET", "cross-site", "https://evil.example", nullptr, true},
		{"HEAD", nullptr, nullptr, nullptr, true}, {"POST", nullptr, nullptr, "web", false},
		{"POST", "same-site", own, "web", false}, {"POST", "none", own, "web", false},
		{"POST", "cross-site", own, "web", false}, {"POST", "same-origin", "null", "web", false},
		{"POST", "same-origin", "http://pay.example", "web", false},
		{"POST", "same-origin", "https://pay.example:444", "web", false},
		{"POST", "same-origin", own, nullptr, false}, {"DELETE", "same-origin", own, "", false},
		{"PATCH", "cross-site", "https://evil.example", "web", false}};
	for (const CsrfCase &c : cases) {
		HttpRequest request{.method = c.method};
		const auto add = [&](const char *name, const char *value) {
			if (value != nullptr)
				request.headers.push_back({name, value});
		};
		add("Sec-Fetch-Site", c.site);
		add("Origin", c.origin);
		add("TokPay-Client", c.page);
		const auto problem = csrf_problem(request, own);
		EXPECT_EQ(!problem, c.good)
			<< c.method << (c.site ? c.site : "") << (c.origin ? c.origin : "");
		EXPECT_TRUE(!problem || std::string_view(problem->code) == "csrf");
	}
}

} // namespace

} // namespace tokpay
