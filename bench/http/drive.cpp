#include "drive.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <stdexcept>
#include <system_error>

namespace tokpay::bench {

namespace {

// A server that answers nothing for so long will not any more.
constexpr std::chrono::seconds silence_timeout{30};

Clock::duration duration(double seconds) {
	return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

class Epoll {
public:
	Epoll() : descriptor_(epoll_create1(EPOLL_CLOEXEC)) { check(descriptor_); }
	~Epoll() { close(descriptor_); }
	Epoll(const Epoll &) = delete;
	Epoll &operator=(const Epoll &) = delete;

	void add(int socket, uint64_t tag) {
		epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = tag}};
		check(epoll_ctl(descriptor_, EPOLL_CTL_ADD, socket, &event));
	}

	std::span<epoll_event> wait(Clock::duration timeout) {
		const auto ns = std::max<int64_t>(std::chrono::nanoseconds(timeout).count(), 0);
		const timespec time{.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
		const int count = epoll_pwait2(descriptor_, events_.data(), events_.size(), &time, nullptr);
		if (count < 0 && errno != EINTR)
			check(count);
		return std::span(events_).first(static_cast<size_t>(std::max(count, 0)));
	}

private:
	static void check(int result) {
		if (result < 0)
			throw std::system_error(errno, std::generic_category(), "epoll");
	}

	int descriptor_;
	std::array<epoll_event, 64> events_;
};

// Numbers of connections in the order in which they have become free.
class FreeList {
public:
	explicit FreeList(size_t capacity) : numbers_(capacity) {}

	bool empty() const { return taken_ == put_; }
	void put(size_t number) { numbers_[put_++ % numbers_.size()] = number; }
	size_t take() { return numbers_[taken_++ % numbers_.size()]; }

private:
	std::vector<size_t> numbers_;
	uint64_t put_ = 0;
	uint64_t taken_ = 0;
};

// One traffic while it is driven.
class Loop {
public:
	Loop(Traffic &traffic, Clock::time_point begin, Clock::time_point deadline)
		: traffic_(traffic), deadline_(deadline), due_(begin),
		  free_(traffic.clients.size() * static_cast<size_t>(traffic.slots)) {
		for (int64_t slot = 0; slot < traffic.slots; slot++)
			for (size_t number = 0; number < traffic.clients.size(); number++)
				free_.put(number);
		if (open())
			advance();
	}

	// Sends the requests that are due, as far as connections are free.
	void send_due(Clock::time_point now) {
		while (!free_.empty() && due_ <= now && due_ < deadline_) {
			Client &client = traffic_.clients[free_.take()];
			client.add_request(open() ? due_ : now);
			client.flush();
			under_way_++;
			if (open())
				advance();
		}
	}

	// When send_due() has something to do next.
	Clock::time_point next() const {
		return due_ < deadline_ && !free_.empty() ? due_ : Clock::time_point::max();
	}

	bool done(Clock::time_point now) const {
		return under_way_ == 0 && (open() ? due_ : now) >= deadline_;
	}

	// Takes what one connection has; in a closed loop its next requests go out in one write.
	void receive(size_t number, Clock::time_point now) {
		Client &client = traffic_.clients[number];
		client.receive([&](Clock::time_point since) {
			under_way_--;
			count(since, now);
			if (open()) {
				free_.put(number);
			} else if (now < deadline_) {
				client.add_request(now);
				under_way_++;
			}
		});
		client.flush();
	}

	const Tally &tally() const { return tally_; }

private:
	bool open() const { return traffic_.rate > 0; }

	void advance() { due_ += duration(-std::log(1 - traffic_.random.fraction()) / traffic_.rate); }

	// Late answers count for the latency of an open loop, whose requests are all of the
	// measurement.
	void count(Clock::time_point since, Clock::time_point now) {
		const bool in_time = now <= deadline_;
		(in_time ? tally_.requests : tally_.late)++;
		if (in_time || open())
			tally_.latency.add(
				static_cast<uint64_t>(std::chrono::nanoseconds(now - since).count()));
	}

	Traffic &traffic_;
	Clock::time_point deadline_;
	Clock::time_point due_;
	FreeList free_;
	uint64_t under_way_ = 0;
	Tally tally_;
};

} // namespace

Traffic::Traffic(const std::string &name, const Options &options, int64_t connections,
	double wanted_rate, uint64_t seed)
	: load(make_load(name, options)), slots(options.pipeline), rate(wanted_rate), random(seed) {
	clients.reserve(static_cast<size_t>(connections));
	for (int64_t i = 0; i < connections; i++)
		clients.emplace_back(*load, options.port, slots, random.next());
}

std::vector<Tally> drive(std::span<Traffic> traffics, double seconds) {
	Epoll epoll;
	const Clock::time_point begin = Clock::now();
	std::vector<Loop> loops;
	for (Traffic &traffic : traffics) {
		for (size_t number = 0; number < traffic.clients.size(); number++)
			epoll.add(traffic.clients[number].socket(), loops.size() << 32 | number);
		loops.emplace_back(traffic, begin, begin + duration(seconds));
	}

	Clock::time_point now = begin;
	Clock::time_point heard = begin;
	while (!std::ranges::all_of(loops, [now](const Loop &loop) { return loop.done(now); })) {
		Clock::time_point next = heard + silence_timeout;
		for (Loop &loop : loops) {
			loop.send_due(now);
			next = std::min(next, loop.next());
		}
		for (const epoll_event &event : epoll.wait(next - Clock::now())) {
			now = Clock::now();
			if ((event.events & ~EPOLLOUT) != 0)
				heard = now;
			loops[event.data.u64 >> 32].receive(event.data.u64 & 0xffffffff, now);
		}
		now = Clock::now();
		if (now - heard > silence_timeout)
			throw std::runtime_error("no answer for too long");
	}
	std::vector<Tally> tallies;
	tallies.reserve(loops.size());
	for (const Loop &loop : loops)
		tallies.push_back(loop.tally());
	return tallies;
}

} // namespace tokpay::bench
