// From request to route, with a database that is not there.
#include "api/router.hpp"

#include "api/openapi.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

namespace tokpay {

namespace {

class RouterTest : public testing::Test {
protected:
	Response ask(std::string_view method, std::string_view target, std::string_view key = "") {
		HttpRequest request;
		request.method = method;
		request.target = target;
		const std::string authorization = "Bearer " + std::string(key);
		if (!key.empty())
			request.headers = {{"Authorization", authorization}};
		std::optional<Response> response;
		boost::asio::co_spawn(worker.io, answer(worker, request, route, caller),
			[&](const std::exception_ptr &, Response answered) { response = std::move(answered); });
		worker.io.restart();
		while (!response)
			worker.io.run_one();
		return *response;
	}

	std::string route_name() const { return route_names()[route]; }

	static std::string header(const Response &response, std::string_view name) {
		for (const auto &[found, value] : response.headers)
			if (found == name)
				return value;
		return "";
	}

	Config config{.databases = {"host=/nonexistent"},
		.admin_databases = {"host=/nonexistent"},
		.members = {"nonexistent"},
		.request_deadline = std::chrono::milliseconds(100),
		.failed_credential_quota = {"failed-credentials", 1000, std::chrono::seconds(60)}};
	RateLimiter limiter;
	Leadership leadership{config.members, {}};
	Worker worker{config, limiter, nullptr, leadership};
	size_t route = 0;
	CallerPtr caller;
};

TEST_F(RouterTest, WhatIsAtNoPathIsNotFound) {
	for (const char *target : {"/", "", "*", "/v1", "/v1/", "/v1/accounts/", "/v1/accounts/1/",
			 "/v1/accounts//balance", "/v1/accounts/1/2/balance", "/v1/accounts/1/balances",
			 "/v1/accounts/1:x/balance", "/V1/accounts", "/v1/accounts%2F1", "//v1/accounts",
			 "/v1/transfers/:reverse", "/v1/transfers/1:reversed", "/v1/transfers/1/2:reverse",
			 "/v1/holds/1", "/v1/holds/1:capture/", "/openapi.json/", "/metrics"}) {
		for (const char *method : {"GET", "POST"}) {
			const Response response = ask(method, target);
			EXPECT_EQ(response.status, 404u) << target;
			EXPECT_EQ(route_name(), "none") << target;
		}
	}
}

TEST_F(RouterTest, AnotherMethodIsToldThoseOfThePath) {
	const std::tuple<const char *, const char *, const char *> cases[] = {
		{"DELETE", "/v1/accounts", "GET, POST"}, {"PUT", "/v1/accounts/1", "PATCH, GET"},
		{"GET", "/v1/transfers:batch", "POST"}, {"PATCH", "/v1/transfers/1:refund", "POST"},
		{"POST", "/v1/accounts/x/balance", "GET"}, {"get", "/v1/me", "GET, PATCH"},
		{"OPTIONS", "/openapi.json?x", "GET"}};
	for (const auto &[method, target, allowed] : cases) {
		const Response response = ask(method, target);
		EXPECT_EQ(response.status, 405u) << target;
		EXPECT_EQ(header(response, "Allow"), allowed) << target;
		EXPECT_EQ(route_name(), "none");
	}
}

TEST_F(RouterTest, EveryRouteIsFoundByItsOwnPathAndAsksForACredential) {
	for (const Route &expected : routes) {
		if (expected.is_page)
			continue;
		std::string target = expected.path;
		if (const size_t id = target.find("{id}"); id != std::string::npos)
			target.replace(id, 4, "9223372036854775807");
		for (const char *query : {"", "?", "?x=/v1/me"}) {
			const Response response = ask(expected.method, target + query);
			EXPECT_EQ(route_name(), std::string(expected.method) + ' ' + expected.path);
			if (expected.is_public)
				EXPECT_NE(response.status, 401u) << target;
			else
				EXPECT_EQ(response.status, 401u) << target;
		}
	}
}

TEST_F(RouterTest, NoRouteIsThereTwice) {
	std::set<std::string> names;
	for (const char *name : route_names())
		EXPECT_TRUE(names.insert(name).second) << name;
	EXPECT_EQ(names.size(), no_route() + 1);
}

TEST_F(RouterTest, WhatNeedsNoDatabaseIsAnsweredWithoutOne) {
	const Response description = ask("GET", "/openapi.json");
	EXPECT_EQ(description.status, 200u);
	EXPECT_EQ(description.body, openapi_document());
	EXPECT_EQ(ask("GET", "/openapi.json?x=1").status, 422u);
	EXPECT_EQ(ask("GET", "/openapi.json?x=%").status, 400u);
}

TEST_F(RouterTest, WhatNeedsItIs503OnceTheDeadlineHasPassed) {
	for (const char *target : {"/v1/config", "/v1/accounts/1/balance"}) {
		const Response response = ask("GET", target, "tokpay_x");
		EXPECT_EQ(response.status, 503u) << target;
		EXPECT_EQ(header(response, "Retry-After"), "1") << target;
	}
}

// The same with the web app.
class PagesTest : public RouterTest {
protected:
	PagesTest() {
		std::filesystem::create_directories(directory);
		std::ofstream(directory / "index.html") << html;
		std::ofstream(directory / "favicon.svg") << "<svg/>";
		files.emplace(directory);
		worker.web = &*files;
	}
	~PagesTest() override { std::filesystem::remove_all(directory); }

	static constexpr std::string_view html =
		"<html lang=\"en\" dir=\"ltr\" data-theme=\"system\"><!--data-->";
	const std::filesystem::path directory =
		testing::TempDir() + "router_test-" + std::to_string(getpid());
	std::optional<WebFiles> files;
};

TEST_F(PagesTest, AreThereWithoutTheDatabase) {
	const Response page = ask("GET", "/?return_to=/app");
	EXPECT_EQ(page.status, 200u);
	EXPECT_NE(page.body.find(">{\"/auth/session\":{\"signed_in\":false}}<"), std::string::npos);
	EXPECT_TRUE(page.is_page);
	EXPECT_EQ(ask("GET", "/favicon.svg").body, "<svg/>");
	const Response app = ask("GET", "/app/settings?x");
	EXPECT_EQ(app.status, 303u);
	EXPECT_EQ(header(app, "Location"), "/?return_to=/app/settings%3Fx");
	EXPECT_FALSE(ask("GET", "/v1/config").is_page);
}

TEST_F(PagesTest, AreMetByTheirPathsAlone) {
	const std::pair<const char *, const char *> cases[] = {{"/", "GET /"}, {"/app", "GET /app"},
		{"/app/", "GET /app/{page}"}, {"/app/a/b:c", "GET /app/{page}"},
		{"/favicon.svg", "GET /{file}"}, {"/apps", "none"}, {"/index.html", "none"}, {"//", "none"},
		{"/openapi.json", "GET /openapi.json"}};
	for (const auto &[target, name] : cases)
		for (const char *method : {"GET", "HEAD"}) {
			const bool has_head = std::string_view(target) != "/openapi.json";
			const Response response = ask(method, target);
			if (has_head || method == std::string_view("GET"))
				EXPECT_EQ(route_name(), name) << target;
			else
				EXPECT_EQ(response.status, 405u);
		}
	EXPECT_EQ(header(ask("POST", "/app"), "Allow"), "GET, HEAD");
}

TEST_F(PagesTest, TellOfAFailureWithItsStatusAndHeaders) {
	const HttpRequest request{
		.method = "GET", .target = "/auth/callback/x", .body = {}, .headers = {}};
	const auto fail = [&] {
		Exchange exchange{.worker = worker,
			.request = request,
			.caller = nullptr,
			.deadline = Clock::now() + config.request_deadline};
		const Problem problem{.status = 503,
			.code = "provider_unavailable",
			.detail = "</script>",
			.headers = {{"Retry-After", "5"}}};
		std::optional<Response> response;
		boost::asio::co_spawn(worker.io, failure_page(exchange, problem),
			[&](const std::exception_ptr &, Response made) { response = std::move(made); });
		worker.io.restart();
		while (!response)
			worker.io.run_one();
		return *response;
	};
	const Response page = fail();
	EXPECT_EQ(page.status, 503u);
	EXPECT_STREQ(page.code, "provider_unavailable");
	EXPECT_EQ(header(page, "Retry-After"), "5");
	EXPECT_NE(page.body.find(R"("/auth/error":{"code":"provider_unavailable",)"
							 R"("detail":"\u003c/script>"})"),
		std::string::npos);
	worker.web = nullptr;
	EXPECT_STREQ(fail().content_type, "application/problem+json");
}

TEST_F(RouterTest, OnlyACallerWhoIsKnownTakesTheFastWay) {
	HttpRequest request;
	request.method = "GET";
	request.target = "/v1/accounts/1/balance";
	request.headers = {{"Authorization", "Bearer tokpay_x"}};
	EXPECT_EQ(start_direct(worker, request, Clock::now()), nullptr);
}

} // namespace

} // namespace tokpay
