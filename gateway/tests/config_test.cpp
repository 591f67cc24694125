// Settings from file, environment and flags, and what is said about a wrong one.
#include "process/config.hpp"
#include "process/provider_setting.hpp"
#include "process/settings.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace tokpay {

namespace {

class Settings_ : public testing::Test {
protected:
	void SetUp() override {
		directory = std::filesystem::temp_directory_path() /
					("tokpay-config-" + std::to_string(::getpid()));
		std::filesystem::create_directory(directory);
	}
	void TearDown() override { std::filesystem::remove_all(directory); }

	std::string file(const std::string &name, const std::string &text) {
		const std::string path = directory / name;
		std::ofstream(path) << text;
		return path;
	}

	static constexpr const char *two = "database = host=d\nadmin-database = host=a\n";

	// With the two settings that have to be there.
	Config read(const std::string &lines, std::vector<std::string> flags = {},
		std::vector<std::string> environment = {}) {
		flags.insert(flags.begin(), {"gateway", "--config", file("gateway.conf", two + lines)});
		std::vector<char *> arguments;
		for (std::string &flag : flags)
			arguments.push_back(flag.data());
		std::vector<char *> variables;
		for (std::string &variable : environment)
			variables.push_back(variable.data());
		variables.push_back(nullptr);
		return read_config(static_cast<int>(arguments.size()), arguments.data(), variables.data())
			.value();
	}

	std::string fault(const std::string &lines, std::vector<std::string> flags = {},
		std::vector<std::string> environment = {}) {
		try {
			read(lines, std::move(flags), std::move(environment));
		} catch (const SettingError &error) {
			return error.what();
		}
		return "";
	}

	std::filesystem::path directory;
};

using Config_ = Settings_;

TEST_F(Config_, DefaultsServeThisMachine) {
	const Config config = read("");
	EXPECT_EQ(config.listen.host, "127.0.0.1");
	EXPECT_EQ(config.listen.port, 8080);
	EXPECT_EQ(config.databases, std::vector<std::string>{"host=d"});
	EXPECT_EQ(config.members, std::vector<std::string>{"d:5432"});
	EXPECT_FALSE(config.incarnation);
	EXPECT_TRUE(config.patroni.members.empty());
	EXPECT_EQ(config.public_url, "http://127.0.0.1:8080");
	EXPECT_EQ(config.write_quota.requests, 10u);
	EXPECT_FALSE(config.tls || config.issuer || config.demo_funding || config.only_check);
	EXPECT_FALSE(config.log_requests);
	EXPECT_EQ(config.slow_request.count(), 0);
	EXPECT_TRUE(config.trusted_proxies.empty());
	EXPECT_GE(config.threads, 1u);
}

TEST_F(Config_, FlagsWinOverTheEnvironmentAndThatOverTheFile) {
	const std::string line = "listen = 127.0.0.1:1\n";
	const std::string variable = "TOKPAY_GATEWAY_LISTEN=127.0.0.1:2";
	EXPECT_EQ(read(line).listen.port, 1);
	EXPECT_EQ(read(line, {}, {variable}).listen.port, 2);
	EXPECT_EQ(read(line, {"--listen", "[::1]:3"}, {variable}).listen.port, 3);
	EXPECT_EQ(read(line, {"--listen=[::1]:3"}, {variable}).listen.host, "::1");
	EXPECT_TRUE(read("", {"--check"}).only_check);
}

TEST_F(Config_, TwoVariablesNeedNoPrefix) {
	const std::vector<std::string> environment = {
		"PUBLIC_URL=https://pay.example/", "TRUSTED_PROXIES=10.0.0.0/8,::1", "LISTEN=x", "HOME=/"};
	const Config config = read("", {}, environment);
	EXPECT_EQ(config.public_url, "https://pay.example");
	for (const auto &[given, meant] : {std::pair("HTTPS://Pay.Example:443/", "https://pay.example"),
			 std::pair("https://pay.example:8443", "https://pay.example:8443"),
			 std::pair("http://[::1]:80", "http://[::1]")})
		EXPECT_EQ(
			read("trusted-proxies = ::1\npublic-url = " + std::string(given)).public_url, meant);
	EXPECT_FALSE(config.trusted_proxies.empty());
}

TEST_F(Config_, CommentsBlankLinesAndHashesInValues) {
	EXPECT_EQ(read("# listen = x\n\n  \t\r\n  threads=3  \r\naudience = a # b\nissuer = "
				   "https://id.example")
				  .issuer->rules.audience,
		"a # b");
}

TEST_F(Config_, AFaultTellsFileAndLine) {
	const std::pair<const char *, const char *> cases[] = {
		{"\nlisten = here\n", "line 4: setting listen: expected ADDRESS:PORT"},
		{"listne = 127.0.0.1:1", "line 3: there is no setting \"listne\""},
		{"listen 127.0.0.1:1", "line 3: a line is NAME = VALUE"},
		{"[gateway]", "line 3: a line is NAME = VALUE"},
		{"config = x", "line 3: there is no setting"},
		{"threads = 1\n\nthreads = 2", "line 5: threads is set in line 3"},
		{"threads = -1", "line 3: setting threads: expected a number"},
		{"threads = 257", "line 3: setting threads"},
		{"request-deadline-ms = 1s", "line 3: setting request-deadline-ms"},
		{"request-deadline-ms = 99",
			"line 3: setting request-deadline-ms: expected a number from 100"},
		{"header-timeout-ms = 0", "line 3: setting header-timeout-ms: expected a number from 100"},
		{"max-connections = 0", "line 3: setting max-connections: expected a number from 1"},
		{"wallet-currency = usd", "line 3: setting wallet-currency: expected a code"},
		{"admin-listen = 127.0.0.1:8080", "line 3: setting admin-listen: is where the API listens"},
		{"listen = 0.0.0.0:9090", "setting admin-listen: is where the API listens"},
		{"trusted-proxies = proxy.example", "line 3: setting trusted-proxies"},
		{"write-limit = 10", "line 3: setting write-limit"},
		{"write-limit = 0/1", "line 3: setting write-limit"},
		{"write-limit = 1/", "line 3: setting write-limit"},
		{"failed-credential-limit = 1/0", "line 3: setting failed-credential-limit"},
		{"demo-funding = yes", "line 3: setting demo-funding: expected on or off"},
		{"log-requests = all", "line 3: setting log-requests: expected on or off"},
		{"slow-request-ms = 1.5", "line 3: setting slow-request-ms: expected a number"},
		{"public-url = pay.example", "line 3: setting public-url"},
		{"public-url = https://pay.example/x", "line 3: setting public-url"},
		{"tls-key = x", "setting tls-certificate: is missing"},
		{"audience = x", "line 3: setting audience: means nothing without issuer"},
		{"issuer = https://id.example", "line 3: setting issuer: needs"},
		{"issuer = http://id.example\naudience = x", "line 3: setting issuer: plain HTTP"},
		{"issuer = https://id.example\naudience = x\nissuer-keys = http://id.example/k",
			"line 5: setting issuer-keys: plain HTTP"}};
	for (const auto &[lines, expected] : cases)
		EXPECT_NE(fault(lines).find(expected), std::string::npos) << lines << ": " << fault(lines);
	EXPECT_NE(fault("", {"--listen", "x"}).find("flag --listen: setting listen: expected"),
		std::string::npos);
	EXPECT_NE(fault("", {}, {"TOKPAY_GATEWAY_LISTEN=x"})
				  .find("environment variable TOKPAY_GATEWAY_LISTEN: setting listen"),
		std::string::npos);
	EXPECT_NE(
		fault("", {}, {"TOKPAY_GATEWAY_LISTNE=x"}).find("no such setting"), std::string::npos);
	for (const char *flag : {"listen", "--lisen", "-v", "--threads"})
		EXPECT_NE(fault("", {flag}), "") << flag;
	EXPECT_NE(
		fault("", {"--threads", "1", "--threads", "2"}).find("comes twice"), std::string::npos);
	EXPECT_NE(fault("", {"--config", "/nowhere"}).find("comes twice"), std::string::npos);
}

TEST_F(Config_, SecretsComeFromFilesAndAreNeverFlagsOrQuoted) {
	const std::string secret = file("secret", "postgresql://user:hunter2@/tokpay\n");
	Config config = read("", {}, {"TOKPAY_GATEWAY_DATABASE=host=environment"});
	EXPECT_EQ(config.databases.front(), "host=environment");
	const std::string path =
		file("other.conf", "database-file = " + secret + "\nadmin-database = host=a\n");
	std::string arguments[] = {"gateway", "--config", path};
	char *argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data()};
	char *none[] = {nullptr};
	EXPECT_EQ(read_config(3, argv, none)->databases.front(), "postgresql://user:hunter2@/tokpay");
	const std::string both = fault("database-file = " + secret);
	EXPECT_NE(
		both.find("line 3: setting database-file: database is set as well"), std::string::npos)
		<< both;
	const std::string flag = fault("", {"--database", "postgresql://user:hunter2@/tokpay"});
	EXPECT_NE(flag.find("--database-file"), std::string::npos);
	for (const std::string &text : {both, flag})
		EXPECT_EQ(text.find("hunter2"), std::string::npos);
}

TEST_F(Config_, ListsAreLinesInTheFileFlagsThatComeAgainAndLinesElsewhere) {
	const std::string uris = "postgresql://u:hunter2@one:6432/t\n  postgresql://u@two/t\n\n";
	const std::vector<std::string> both = {
		"postgresql://u:hunter2@one:6432/t", "postgresql://u@two/t"};
	const Config lines = read("database = host=e\nadmin-database = host=b\n"
							  "patroni = https://one:8008\npatroni = https://two:8009\n"
							  "incarnation = 7");
	EXPECT_EQ(lines.databases, (std::vector<std::string>{"host=d", "host=e"}));
	EXPECT_EQ(lines.admin_databases, (std::vector<std::string>{"host=a", "host=b"}));
	EXPECT_EQ(lines.incarnation, 7);
	ASSERT_EQ(lines.patroni.members.size(), 2u);
	EXPECT_EQ(lines.patroni.members[1].host, "two");
	EXPECT_EQ(lines.patroni.members[1].port, 8009);
	EXPECT_EQ(lines.patroni.members[1].target, "/primary");
	const Config flags = read("admin-database = host=b\ndatabase = host=e",
		{"--patroni", "https://[::1]:1", "--patroni=https://x:2"});
	EXPECT_EQ(flags.patroni.members[0].host, "::1");
	EXPECT_EQ(flags.patroni.members[1].host, "x");
	const Config variables = read("admin-database = host=b", {},
		{"TOKPAY_GATEWAY_DATABASE=" + uris, "TOKPAY_GATEWAY_PATRONI=https://a:1\nhttps://b:1"});
	EXPECT_EQ(variables.databases, both);
	EXPECT_EQ(variables.members, (std::vector<std::string>{"one:6432", "two:5432"}));
	EXPECT_EQ(variables.patroni.members[0].host, "a");
	const std::string path = file("list.conf",
		"database-file = " + file("list", uris) + "\nadmin-database-file = " + file("l", uris));
	std::string arguments[] = {"gateway", "--config", path};
	char *argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data()};
	char *none[] = {nullptr};
	EXPECT_EQ(read_config(3, argv, none)->databases, both);
}

TEST_F(Config_, AFaultInAListTellsItsLine) {
	const std::pair<const char *, const char *> cases[] = {
		{"database = here", "line 3: setting database: expected a libpq URI"},
		{"database = postgresql://u:hunter2@[h/", "line 3: setting database: expected"},
		{"database = host=e", "line 2: setting admin-database: there are 1, and 2 of database"},
		{"admin-database = host=e", "line 3: setting admin-database: there are 2, and 1"},
		{"patroni = https://a\npatroni = https://b", "line 4: setting patroni: there are 2"},
		{"patroni = https://a/patroni", "line 3: setting patroni: expected a URL without a path"},
		{"patroni = a:8008", "line 3: setting patroni: expected a URL"},
		{"patroni = http://192.0.2.1:8008", "line 3: setting patroni: plain HTTP"},
		{"patroni-key = k", "line 3: setting patroni-key: means nothing without patroni"},
		{"patroni = https://a\npatroni-key = k", "setting patroni-certificate: is missing"},
		{"incarnation = 0", "line 3: setting incarnation: expected a number from 1"},
		{"incarnation = two", "line 3: setting incarnation"},
		{"database-file = x\ndatabase-file = y", "line 4: database-file is set in line 3"}};
	for (const auto &[lines, expected] : cases) {
		EXPECT_NE(fault(lines).find(expected), std::string::npos) << lines << ": " << fault(lines);
		EXPECT_EQ(fault(lines).find("hunter2"), std::string::npos);
	}
	std::string eight;
	for (int i = 0; i < 7; i++)
		eight += "database = host=e\n";
	EXPECT_NE(fault(eight).find("line 9: setting database: more than 7"), std::string::npos)
		<< fault(eight);
	EXPECT_NE(fault("", {}, {"TOKPAY_GATEWAY_DATABASE=host=a\nhere"})
				  .find("environment variable TOKPAY_GATEWAY_DATABASE, line 2: setting database"),
		std::string::npos);
}

TEST_F(Config_, TheWorldIsNotServedInPlainHttpNorWithDemoMoney) {
	const std::string open = "public-url = https://pay.example\n";
	const std::string behind = open + "trusted-proxies = 10.0.0.1\n";
	const std::string own = open + "tls-certificate = c\ntls-key = k\n";
	EXPECT_EQ(fault(behind), "");
	EXPECT_EQ(fault(own), "");
	EXPECT_NE(fault(open).find("line 3: setting public-url: the world would speak plain HTTP"),
		std::string::npos);
	EXPECT_NE(fault("public-url = http://pay.example\n").find("plain HTTP"), std::string::npos);
	for (const std::string &lines : {behind, own}) {
		EXPECT_NE(
			fault(lines + "demo-funding = on").find("setting demo-funding"), std::string::npos);
		EXPECT_NE(fault(lines + "issuer = http://127.0.0.1:8081").find("demo provider"),
			std::string::npos);
		EXPECT_EQ(fault(lines + "issuer = https://id.example"), "");
	}
	EXPECT_TRUE(read("public-url = http://localhost:8080\ndemo-funding = on").demo_funding);
	for (const char *listen : {"0.0.0.0:80", "192.0.2.1:80", "[::]:80"})
		EXPECT_NE(fault(std::string("demo-funding = on\nlisten = ") + listen)
					  .find("line 3: setting demo-funding"),
			std::string::npos);
	for (const char *listen : {"127.0.0.2:80", "[::1]:80"})
		EXPECT_TRUE(read(std::string("demo-funding = on\nlisten = ") + listen).demo_funding);
	EXPECT_EQ(
		read(own + "issuer = https://id.example").issuer->rules.audience, "https://pay.example");
}

TEST_F(Config_, ProvidersHaveALineEach) {
	const std::string secret = file("secret", "s3cret\nignored\n");
	const Config config =
		read("provider = demo issuer=http://localhost:8081 client-id=tokpay secret-file=" + secret +
			 " label=\"Demo sign-in\" payable-domains=a.example,b.example\n" +
			 "provider = other issuer=https://id.example client-id=x secret-file=" + secret);
	ASSERT_EQ(config.providers.size(), 2u);
	const ProviderConfig &demo = config.providers[0];
	EXPECT_EQ(demo.name + demo.label + demo.issuer.rules.issuer + demo.issuer.rules.audience +
				  demo.client_secret,
		"demoDemo sign-inhttp://localhost:8081tokpays3cret");
	EXPECT_TRUE(is_authoritative(demo, "x@B.example") && is_authoritative(demo, "x@a.example"));
	EXPECT_FALSE(is_authoritative(demo, "x@c.example") ||
				 is_authoritative(demo, "x@sub.a.example") || is_authoritative(demo, "a.example"));
	EXPECT_EQ(config.providers[1].label, "other");
	EXPECT_FALSE(is_authoritative(config.providers[1], "x@a.example"));
}

TEST_F(Config_, AProviderThatIsNotRightIsNamedByItsLine) {
	const std::string secret = file("secret", "s3cret");
	const std::string good =
		"provider = a issuer=https://id.example client-id=x secret-file=" + secret;
	const std::pair<std::string, const char *> cases[] = {{"provider = A", "expected NAME"},
		{"provider = a", "needs issuer="},
		{"provider = a issuer=https://id.example", "needs client-id="},
		{good + "\nprovider = a issuer=https://b.example client-id=x secret-file=" + secret,
			"line 4: setting provider: the name a comes twice"},
		{good + " backchannel=http://id.internal", "backchannel is no https URL"},
		{good + " colour=red", "there is no colour"}, {good + " label=\"x", "expected NAME"},
		{"provider = a issuer=ftp://x client-id=x secret-file=" + secret, "no URL"},
		{"provider = a issuer=http://id.example client-id=x secret-file=" + secret, "plain HTTP"},
		{"provider = a issuer=https://id.example client-id=x secret-file=/nowhere",
			"cannot be read"},
		{good + "\nsession-idle-s = 0", "a second at least"},
		{"welcome-credit = 1", "nothing without provider"}};
	for (const auto &[lines, expected] : cases)
		EXPECT_NE(fault(lines).find(expected), std::string::npos) << lines << fault(lines);
	EXPECT_EQ(fault(good), "");
	EXPECT_NE(fault("public-url = https://pay.example\ntrusted-proxies = 10.0.0.1\nprovider = a "
					"issuer=http://localhost:1 client-id=x secret-file=" +
					secret)
				  .find("demo provider"),
		std::string::npos);
}

} // namespace

} // namespace tokpay
