// Whose word about the client is believed, and addresses on the web.
#include "http/client_address.hpp"
#include "http/web_address.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

std::string client(
	const char *trusted, const char *peer, const std::vector<std::string_view> &forwarded_for) {
	const auto proxies = TrustedProxies::parse(trusted);
	EXPECT_TRUE(proxies) << trusted;
	return proxies->client(boost::asio::ip::make_address(peer), forwarded_for).to_string();
}

TEST(TrustedProxies, WithoutThemNobodyIsBelieved) {
	EXPECT_EQ(client("", "127.0.0.1", {"1.2.3.4"}), "127.0.0.1");
	EXPECT_EQ(client("10.0.0.0/8", "192.0.2.1", {"10.1.1.1"}), "192.0.2.1");
	EXPECT_TRUE(TrustedProxies::parse(" ")->empty());
}

TEST(TrustedProxies, TheLastAddressThatNoTrustedProxyHasIsTheClient) {
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"1.2.3.4"}), "1.2.3.4");
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"6.6.6.6, 1.2.3.4"}), "1.2.3.4");
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"6.6.6.6, 1.2.3.4 ,10.0.0.2"}), "1.2.3.4");
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"6.6.6.6", "1.2.3.4", "10.0.0.2"}), "1.2.3.4");
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"10.0.0.3,10.0.0.2"}), "10.0.0.3");
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {}), "10.0.0.1");
}

TEST(TrustedProxies, WhatIsNoAddressEndsTheReading) {
	for (const char *text : {"unknown", "", " ", ",", "1.2.3", "1.2.3.4.5", "[", "[]", "[::1",
			 "_hidden", "a:b", ":::", "::1:99999:x"})
		EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {text}),
			text == std::string("[::1") ? "::1" : "10.0.0.1")
			<< text;
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {"1.2.3.4, unknown, 10.0.0.2"}), "10.0.0.2");
}

TEST(TrustedProxies, PortsBracketsAndMappedAddressesAreRead) {
	EXPECT_EQ(client("::1", "::1", {"1.2.3.4:5678"}), "1.2.3.4");
	EXPECT_EQ(client("::1", "::1", {"[2001:db8::1]:443"}), "2001:db8::1");
	EXPECT_EQ(client("::1", "::1", {"2001:db8::1"}), "2001:db8::1");
	EXPECT_EQ(client("10.0.0.0/8", "::ffff:10.0.0.1", {"::ffff:1.2.3.4"}), "1.2.3.4");
	EXPECT_EQ(client("fd00::/8, 10.1.0.0/16", "fd12::1", {"1.2.3.4, 10.1.9.9"}), "1.2.3.4");
	EXPECT_EQ(client("10.9.9.9/8", "10.0.0.1", {"1.2.3.4"}),
		"1.2.3.4"); // a network by any of its addresses
}

TEST(TrustedProxies, ALongListIsNotReadForEver) {
	std::string list = "1.2.3.4";
	for (int i = 0; i < 1000; i++)
		list += ",10.0.0.2";
	EXPECT_EQ(client("10.0.0.0/8", "10.0.0.1", {list}), "10.0.0.2");
}

TEST(TrustedProxies, WhatIsNoNetworkIsRefused) {
	for (const char *text : {"x", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129",
			 "10.0.0.1,,10.0.0.2", "*", "example.com", "10.0.0.1 10.0.0.2"})
		EXPECT_FALSE(TrustedProxies::parse(text)) << text;
}

TEST(ClientIdentity, IsTheAddressOrTheNetworkOf64Bits) {
	using boost::asio::ip::make_address;
	EXPECT_EQ(client_identity(make_address("1.2.3.4")), "1.2.3.4");
	EXPECT_EQ(client_identity(make_address("::ffff:1.2.3.4")), "1.2.3.4");
	EXPECT_EQ(client_identity(make_address("2001:db8:1:2:3::4")),
		client_identity(make_address("2001:db8:1:2:ffff::")));
	EXPECT_NE(client_identity(make_address("2001:db8:1:2::")),
		client_identity(make_address("2001:db8:1:3::")));
}

TEST(WebAddress, IsTakenApart) {
	const auto plain = parse_web_address("https://id.example");
	ASSERT_TRUE(plain);
	EXPECT_TRUE(plain->tls);
	EXPECT_EQ(plain->host, "id.example");
	EXPECT_EQ(plain->port, 443);
	EXPECT_EQ(plain->target, "/");
	EXPECT_EQ(plain->host_header(), "id.example");
	EXPECT_FALSE(plain->is_loopback());
	const auto full = parse_web_address("http://[::1]:8081/a/b?c=d");
	ASSERT_TRUE(full);
	EXPECT_FALSE(full->tls);
	EXPECT_EQ(full->host, "::1");
	EXPECT_EQ(full->target, "/a/b?c=d");
	EXPECT_EQ(full->host_header(), "[::1]:8081");
	EXPECT_TRUE(full->is_loopback());
	EXPECT_EQ(parse_web_address("https://a.example?x")->target, "/?x");
}

TEST(WebAddress, OnlyThisMachineIsLoopback) {
	for (const char *text :
		{"http://127.0.0.1", "http://127.9.9.9:1", "http://localhost:80", "http://[::1]"})
		EXPECT_TRUE(parse_web_address(text)->is_loopback()) << text;
	for (const char *text : {"http://localhost.example", "http://128.0.0.1", "http://0.0.0.0",
			 "http://[::]", "http://10.0.0.1"})
		EXPECT_FALSE(parse_web_address(text)->is_loopback()) << text;
}

TEST(WebAddress, WhatIsNoneIsRefused) {
	for (const char *text :
		{"", "x", "ftp://a", "https://", "https:///a", "//a", "/a", "https://user@a",
			"https://user:pass@a", "https://a#b", "https://a b", "http://127.0.0.1.example",
			"http://127.0.0.1.example/x", "https://a:0", "https://a:65536", "https://a:x",
			"https://a%00b", "https://a%0d%0ab", "javascript:x", "https://a\r\n"})
		EXPECT_FALSE(parse_web_address(text)) << text;
}

} // namespace

} // namespace tokpay
