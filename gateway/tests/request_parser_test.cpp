// Requests out of bytes: what is taken, what is refused because two parties could read it
// differently.
#include "http/request_parser.hpp"

#include <gtest/gtest.h>

using namespace std::string_literals;
using namespace std::string_view_literals;

namespace tokpay {

namespace {

const std::string host = "Host: x\r\n";

std::string get(const std::string &headers) {
	return "GET / HTTP/1.1\r\n" + host + headers + "\r\n";
}

// What became of a request that arrived in pieces of a size.
struct Read {
	std::string method;
	std::string target;
	std::string body;
	std::optional<Problem> problem;
	bool is_done = false;
	size_t left = 0; // bytes that are not the request's
};

Read read(std::string_view bytes, size_t piece = std::string_view::npos) {
	HttpRequest request;
	RequestParser parser(request);
	const size_t header_size = parser.read_header(bytes);
	Read result{.problem = parser.problem()};
	if (header_size == 0)
		return result;
	result.method = request.method;
	result.target = request.target;
	std::string_view rest = bytes.substr(header_size);
	std::string unread;
	while (!parser.is_done() && !parser.problem() && !rest.empty()) {
		unread.append(rest.substr(0, piece));
		rest.remove_prefix(std::min(piece, rest.size()));
		unread.erase(0, parser.read_body(unread, result.body));
	}
	result.problem = parser.problem();
	result.is_done = parser.is_done();
	result.left = unread.size() + rest.size();
	return result;
}

unsigned status_of(std::string_view bytes) {
	const Read result = read(bytes);
	return result.problem ? result.problem->status : 0;
}

TEST(RequestParser, TakesARequestApartWithoutCopying) {
	const std::string bytes = "POST /v1/x?a=1 HTTP/1.1\r\nHost: x\r\nA: 1\r\na:\t 2 \r\nEmpty:\r\n"
							  "Content-Length: 3\r\n\r\nabcGET";
	HttpRequest request;
	request.headers.push_back({"of", "the request before"});
	request.body = "of the request before";
	RequestParser parser(request);
	const size_t header_size = parser.read_header(bytes);
	EXPECT_EQ(header_size, bytes.size() - 6);
	EXPECT_FALSE(parser.problem());
	EXPECT_EQ(request.method, "POST");
	EXPECT_EQ(request.target, "/v1/x?a=1");
	EXPECT_EQ(request.body, "");
	EXPECT_EQ(request.header("a"), "1");
	EXPECT_EQ(request.count("A"), 2u);
	EXPECT_EQ(request.headers[2].value, "2");
	EXPECT_EQ(request.header("empty"), "");
	EXPECT_EQ(request.header("of"), std::nullopt);
	EXPECT_EQ(parser.body_size(), 3u);
	for (const HttpHeader &header : request.headers)
		EXPECT_TRUE(header.value.empty() || (header.value.data() > bytes.data() &&
												header.value.data() < bytes.data() + header_size));
}

TEST(RequestParser, WaitsForAHeaderThatIsNotWhole) {
	const std::string bytes = get("A: 1\r\n");
	for (size_t size = 0; size < bytes.size(); size++) {
		HttpRequest request;
		RequestParser parser(request);
		EXPECT_EQ(parser.read_header(bytes.substr(0, size)), 0u) << size;
		EXPECT_FALSE(parser.problem()) << size;
	}
	EXPECT_TRUE(read(bytes).is_done);
}

TEST(RequestParser, ReadsABodyHoweverItArrives) {
	const std::string sized =
		"POST / HTTP/1.1\r\n" + host + "Content-Length: 11\r\n\r\nhello world";
	const std::string chunked = "POST / HTTP/1.1\r\n" + host +
								"Transfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n006\r\n world"
								"\r\n0\r\nTrailer: x\r\n\r\n";
	for (const std::string &bytes : {sized, chunked})
		for (size_t piece = 1; piece < 20; piece++) {
			const Read result = read(bytes + "GET", piece);
			EXPECT_EQ(result.body, "hello world") << piece;
			EXPECT_TRUE(result.is_done) << piece;
			EXPECT_EQ(result.left, 3u) << piece;
		}
}

TEST(RequestParser, ATrailerIsNoHeader) {
	const std::string bytes =
		"POST / HTTP/1.1\r\n" + host +
		"Transfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: Bearer x\r\n\r\n";
	HttpRequest request;
	RequestParser parser(request);
	const size_t header_size = parser.read_header(bytes);
	std::string body;
	for (std::string_view rest = std::string_view(bytes).substr(header_size); !parser.is_done();) {
		ASSERT_FALSE(parser.problem() || rest.empty());
		rest.remove_prefix(parser.read_body(rest, body));
	}
	EXPECT_EQ(request.header("Authorization"), std::nullopt);
}

TEST(RequestParser, SaysWhetherTheConnectionIsKept) {
	const std::pair<std::string, bool> cases[] = {{get(""), true},
		{get("Connection: close\r\n"), false}, {get("Connection: a, CLOSE\r\n"), false},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true}};
	for (const auto &[bytes, kept] : cases) {
		HttpRequest request;
		RequestParser parser(request);
		parser.read_header(bytes);
		EXPECT_FALSE(parser.problem()) << bytes;
		EXPECT_EQ(request.keep_alive, kept) << bytes;
	}
}

TEST(RequestParser, SaysWhetherTheClientWaitsToSendItsBody) {
	for (const auto &[headers, expects] : {std::pair("Expect: 100-Continue\r\n", true),
			 std::pair("Expect: something\r\n", false), std::pair("", false)}) {
		const std::string bytes =
			"POST / HTTP/1.1\r\n" + host + headers + "Content-Length: 1\r\n\r\n";
		HttpRequest request;
		RequestParser parser(request);
		parser.read_header(bytes);
		EXPECT_EQ(parser.expects_continue(), expects) << headers;
	}
}

TEST(RequestParser, AbsoluteTargetsAreReadAsTheirPath) {
	const std::pair<const char *, const char *> cases[] = {{"http://x/v1/me", "/v1/me"},
		{"https://x:1/a?b=http://c", "/a?b=http://c"}, {"http://x", "/"},
		{"/a?b=http://c/d", "/a?b=http://c/d"}, {"*", "*"}};
	for (const auto &[sent, target] : cases)
		EXPECT_EQ(
			read(std::string("GET ") + sent + " HTTP/1.1\r\n" + host + "\r\n").target, target);
}

TEST(RequestParser, WhatTwoPartiesCouldReadDifferentlyIsRefused) {
	const std::string post = "POST / HTTP/1.1\r\n" + host;
	const std::string chunked = "Transfer-Encoding: chunked\r\n";
	const std::string cases[] = {
		post + chunked + "Content-Length: 3\r\n\r\nabc",
		post + "Content-Length: 3\r\n" + chunked + "\r\nabc",
		post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
		post + "Content-Length: 3, 3\r\n\r\nabc",
		post + "Content-Length: +3\r\n\r\nabc",
		post + "Content-Length: -3\r\n\r\nabc",
		post + "Content-Length: 0x3\r\n\r\nabc",
		post + "Content-Length: 3a\r\n\r\nabc",
		post + "Content-Length: 99999999999999999999\r\n\r\n",
		post + "Content-Length:\r\n\r\n",
		post + "Content-Length : 3\r\n\r\nabc",
		post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		post + "Transfer-Encoding: gzip\r\n\r\nabc",
		post + "Transfer-Encoding: identity\r\n\r\nabc",
		post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
		post + chunked + chunked + "\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\n" + chunked + "\r\n0\r\n\r\n",
		get("A: 1\r\n 2\r\n"),
		get("A: 1\r\n \r\n"),
		get("A:\r\n 1\r\n"),
		"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
		get("A: 1\nB: 2\r\n"),
		"GET / HTTP/1.1\n" + host + "\r\n",
		"GET / HTTP/1.1\r\n" + host + "\n\n",
		"GET /\0 HTTP/1.1\r\n"s + host + "\r\n",
		get("A: 1\r\n\t2\r\n"),
		get(" A: 1\r\n"),
		get("A : 1\r\n"),
		get("A\r\n"),
		get(": 1\r\n"),
		get("A: 1\n"),
		get("A: \0\r\n"s),
		get("A\0: 1\r\n"s),
		get("A: \x7f\r\n"),
		get("A: 1\r2\r\n"),
		get(host),
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n",
		"GET / HTTP/2.0\r\n" + host + "\r\n",
		"GET / HTTP/1.2\r\n" + host + "\r\n",
		"GET / http/1.1\r\n" + host + "\r\n",
		"GET  / HTTP/1.1\r\n" + host + "\r\n",
		"GET /\r\n" + host + "\r\n",
		"GET /a b HTTP/1.1\r\n" + host + "\r\n",
		"G@T / HTTP/1.1\r\n" + host + "\r\n",
		"\x16\x03\x01\x02"s,
	};
	for (const std::string &bytes : cases)
		EXPECT_EQ(status_of(bytes), 400u) << bytes;
}

TEST(RequestParser, ChunksThatAreNoneAreRefused) {
	const std::string head = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
	for (const std::string &chunks : {"x\r\n"s, "-1\r\n"s, "+3\r\nabc\r\n0\r\n\r\n"s,
			 " 3\r\nabc\r\n0\r\n\r\n"s, "0x3\r\nabc\r\n0\r\n\r\n"s, "3\r\nabcd\r\n0\r\n\r\n"s,
			 "3\nabc\r\n0\r\n\r\n"s, "3\r\nabc0\r\n\r\n"s, "3\0\r\nabc\r\n0\r\n\r\n"s,
			 ";a=b\r\nabc\r\n0\r\n\r\n"s, "0\r\nContent-Length: 3\r\n\r\n"s,
			 "0\r\nTransfer-Encoding: chunked\r\n\r\n"s, "\r\n"s, "ffffffffffffffffff\r\n"s})
		EXPECT_EQ(status_of(head + chunks), 400u) << chunks;
}

TEST(RequestParser, ALineOfAChunkAndATrailerHaveABound) {
	const std::string head = "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n";
	const std::string much(max_header_bytes - 100, 'x');
	EXPECT_EQ(status_of(head + "3;" + much + "\r\nabc\r\n0\r\n\r\n"), 0u);
	EXPECT_EQ(status_of(head + "0\r\nA: " + much + "\r\n\r\n"), 0u);
	const std::string more(max_header_bytes + 1, 'x');
	for (const std::string &endless :
		{"3;" + more, "0;" + more, more, "0\r\nA: " + more, "3\r\nabc\r\n3;" + more}) {
		EXPECT_EQ(status_of(head + endless), 400u) << endless.substr(0, 10);
		EXPECT_EQ(read(head + endless, 1000).problem->status, 400u) << endless.substr(0, 10);
	}
}

TEST(RequestParser, HeadersAndBodiesHaveABound) {
	const auto of_size = [](size_t size) {
		const std::string around = get("A: \r\n");
		return get("A: " + std::string(size - around.size(), 'x') + "\r\n");
	};
	EXPECT_EQ(of_size(max_header_bytes).size(), max_header_bytes);
	EXPECT_EQ(status_of(of_size(max_header_bytes)), 0u);
	EXPECT_EQ(status_of(of_size(max_header_bytes) + "GET / HTTP/1.1"), 0u);
	EXPECT_EQ(status_of(of_size(max_header_bytes + 1)), 431u);
	EXPECT_EQ(status_of(of_size(max_header_bytes + 1).substr(0, max_header_bytes - 1)), 0u);
	EXPECT_EQ(status_of(of_size(max_header_bytes + 1).substr(0, max_header_bytes)), 431u);
	const std::string line = "GET / HTTP/1.1\r\n" + host;
	std::string many = line;
	while (many.size() + 5 + 2 <= max_header_bytes)
		many += "a:b\r\n";
	EXPECT_EQ(status_of(many + "\r\n"), 0u);
	EXPECT_EQ(status_of(many + "a:b\r\n\r\n"), 431u);
	EXPECT_EQ(status_of("GET /" + std::string(max_header_bytes, 'x')), 431u);
	const auto length = [](uint64_t size) {
		return "POST / HTTP/1.1\r\n" + host + "Content-Length: " + std::to_string(size) +
			   "\r\n\r\n";
	};
	EXPECT_EQ(status_of(length(max_body_bytes)), 0u);
	EXPECT_EQ(status_of(length(max_body_bytes + 1)), 413u);
	std::string chunks =
		"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n800000\r\n";
	chunks += std::string(max_body_bytes, 'x') + "\r\n";
	EXPECT_EQ(status_of(chunks + "0\r\n\r\n"), 0u);
	EXPECT_EQ(status_of(chunks + "1\r\nx\r\n0\r\n\r\n"), 413u);
}

} // namespace

} // namespace tokpay
