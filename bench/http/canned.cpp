// bench-canned PORT: the least that a server can do. One thread answers every request, none of
// which has a body, with the same text. What HTTP costs here without any gateway.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>

namespace tokpay::bench {

namespace {

constexpr int backlog = 4096;

// As long as a balance with the headers of the gateway.
std::string canned_answer() {
	const std::string body =
		R"({"account":"1000000","currency":"USD","balance":1000000,"held":0,"available":1000000,)"
		R"("version":1})";
	return "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
		   "Content-Type: application/json\r\nContent-Length: " +
		   std::to_string(body.size()) +
		   "\r\nX-Content-Type-Options: nosniff\r\nETag: \"0123456789abcdef\"\r\n"
		   "Cache-Control: private, no-cache\r\n\r\n" +
		   body;
}

int check(int result) {
	if (result < 0)
		throw std::system_error(errno, std::generic_category());
	return result;
}

int listen_on(uint16_t port) {
	const int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
	const int on = 1;
	check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(listener, reinterpret_cast<sockaddr *>(&address), sizeof address));
	check(listen(listener, backlog));
	return listener;
}

void watch(int epoll, int descriptor) {
	epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
	check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

// A request ends with the one empty line in it; the client sends requests whole.
size_t count_requests(std::string_view text) {
	size_t count = 0;
	for (size_t at = 0; (at = text.find("\r\n\r\n", at)) != std::string_view::npos; at += 4)
		count++;
	return count;
}

void answer(int connection, const std::string &answers, size_t answer_size) {
	std::array<char, 65536> input;
	const ssize_t size = recv(connection, input.data(), input.size(), 0);
	if (size <= 0) {
		close(connection);
		return;
	}
	const size_t count = count_requests({input.data(), static_cast<size_t>(size)});
	send(connection, answers.data(), count * answer_size, MSG_NOSIGNAL);
}

[[noreturn]] void serve(uint16_t port) {
	const std::string one = canned_answer();
	std::string answers;
	while (answers.size() < 1024 * one.size())
		answers += one;
	const int listener = listen_on(port);
	const int epoll = check(epoll_create1(EPOLL_CLOEXEC));
	watch(epoll, listener);
	std::array<epoll_event, 64> events;
	for (;;) {
		const int count = epoll_wait(epoll, events.data(), events.size(), -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd != listener) {
				answer(events[i].data.fd, answers, one.size());
				continue;
			}
			const int connection = check(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
			const int on = 1;
			check(setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
			watch(epoll, connection);
		}
	}
}

} // namespace

} // namespace tokpay::bench

int main(int argc, char **argv) {
	try {
		if (argc != 2)
			throw std::runtime_error("usage: bench-canned PORT");
		tokpay::bench::serve(static_cast<uint16_t>(std::stoul(argv[1])));
	} catch (const std::exception &error) {
		std::fprintf(stderr, "bench-canned: %s\n", error.what());
		return 1;
	}
}
