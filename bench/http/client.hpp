// One connection to the gateway, with up to so many requests under way. Each has a slot: its text,
// against which the answer is checked, and the time from which its latency counts.
#pragma once

#include "load.hpp"

#include "measure/random.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace tokpay::bench {

using Clock = std::chrono::steady_clock;

// A socket, closed at the end.
class Socket {
public:
	// Connects to a port of 127.0.0.1; throws std::system_error.
	explicit Socket(uint16_t port);
	Socket(Socket &&other) noexcept;
	Socket &operator=(Socket &&) = delete;
	~Socket();

	int descriptor() const { return descriptor_; }

private:
	int descriptor_;
};

class Client {
public:
	Client(const Load &load, int64_t port, int64_t slots, uint64_t seed);

	bool full() const { return added_ - answered_ == slots_; }
	bool idle() const { return added_ == answered_; }

	// Makes another request, whose latency counts from then; it goes out with the next flush().
	// Not on a full connection.
	void add_request(Clock::time_point from);

	// Writes what the socket takes.
	void flush();

	// Reads what the socket has. For each answer that is whole and right, calls answered with the
	// time from which its latency counts; its slot is free then. Throws std::runtime_error on a
	// wrong answer, or when the connection ends.
	template<class Answered> void receive(const Answered &answered) {
		while (read_some())
			while (take_answer())
				answered(since_[(answered_ - 1) % slots_]);
	}

	int socket() const { return socket_.descriptor(); }

private:
	char *slot(uint64_t number);
	bool read_some();
	bool take_answer();

	const Load &load_;
	Socket socket_;
	Random random_;
	uint64_t slots_;

	// Requests count from 0; number n is in slot n modulo slots_.
	uint64_t added_ = 0;
	uint64_t answered_ = 0;
	uint64_t written_ = 0; // bytes of all requests together
	std::vector<char> requests_;
	std::vector<Clock::time_point> since_;

	// What was read and is not an answer yet: from begin_ to end_.
	std::vector<char> input_;
	size_t begin_ = 0;
	size_t end_ = 0;
	bool drained_ = false; // the socket has nothing more for now
};

} // namespace tokpay::bench
