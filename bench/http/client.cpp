#include "client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace tokpay::bench {

namespace {

// Grows until the largest answers fit; connections by the thousand have small ones.
constexpr size_t first_input_size = 4096;

[[noreturn]] void fail(const char *what) {
	throw std::system_error(errno, std::generic_category(), what);
}

} // namespace

Socket::Socket(uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
	if (descriptor_ < 0)
		fail("socket");
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_port = htons(port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	const int on = 1;
	if (connect(descriptor_, reinterpret_cast<sockaddr *>(&address), sizeof address) != 0 ||
		setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
		fcntl(descriptor_, F_SETFL, O_NONBLOCK) != 0) {
		const int error = errno;
		close(descriptor_);
		errno = error;
		fail("connecting");
	}
}

Socket::Socket(Socket &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Socket::~Socket() {
	if (descriptor_ >= 0)
		close(descriptor_);
}

Client::Client(const Load &load, int64_t port, int64_t slots, uint64_t seed)
	: load_(load), socket_(static_cast<uint16_t>(port)), random_(seed),
	  slots_(static_cast<uint64_t>(slots)), since_(slots_), input_(first_input_size) {
	requests_.reserve(slots_ * load.layout.size());
	for (uint64_t i = 0; i < slots_; i++)
		requests_.insert(requests_.end(), load.layout.begin(), load.layout.end());
}

char *Client::slot(uint64_t number) {
	return requests_.data() + (number % slots_) * load_.layout.size();
}

void Client::add_request(Clock::time_point from) {
	load_.encode(random_, slot(added_));
	since_[added_ % slots_] = from;
	added_++;
}

void Client::flush() {
	const uint64_t end = added_ * load_.layout.size();
	while (written_ < end) {
		const size_t at = written_ % requests_.size();
		const size_t size = std::min<size_t>(end - written_, requests_.size() - at);
		const ssize_t count =
			send(socket(), requests_.data() + at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && errno == EAGAIN)
			return; // the socket tells when it takes more
		if (count < 0)
			fail("sending");
		written_ += static_cast<uint64_t>(count);
	}
}

// False once the socket is empty. A read that got less than it had room for has emptied it.
bool Client::read_some() {
	if (std::exchange(drained_, false))
		return false;
	std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
	end_ -= std::exchange(begin_, 0);
	if (end_ == input_.size())
		input_.resize(2 * input_.size());
	const size_t room = input_.size() - end_;
	const ssize_t count = recv(socket(), input_.data() + end_, room, MSG_DONTWAIT);
	if (count < 0 && errno == EAGAIN)
		return false;
	if (count < 0)
		fail("receiving");
	if (count == 0)
		throw std::runtime_error("the server closed a connection");
	end_ += static_cast<size_t>(count);
	drained_ = static_cast<size_t>(count) < room;
	return true;
}

bool Client::take_answer() {
	if (begin_ == end_)
		return false;
	const auto reply = read_reply({input_.data() + begin_, end_ - begin_});
	if (!reply)
		return false;
	if (idle())
		throw std::runtime_error("an answer came to no request");
	if (reply->status != load_.status)
		throw std::runtime_error(
			"the answer is " + std::to_string(reply->status) + ": " + std::string(reply->body));
	load_.check(slot(answered_), reply->body);
	begin_ += reply->size;
	answered_++;
	return true;
}

} // namespace tokpay::bench
