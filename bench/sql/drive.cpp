#include "drive.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <limits>
#include <span>
#include <system_error>

namespace tokpay::bench {

using Clock = std::chrono::steady_clock;

Client::Client(const Options &options, uint64_t seed)
	: connection(options.database, "bench load"), load(make_load(options, connection)),
	  random(seed) {
	connection.prepare(load->sql, load->types);
	load->encode(random);
}

void Client::send(Clock::time_point now) {
	sent = now;
	connection.send(load->parameters);
}

namespace {

// Who may send another call, and until when answers count.
class Limit {
public:
	Limit(double seconds, int64_t calls)
		: deadline_(calls > 0 ? Clock::time_point::max()
							  : Clock::now() + std::chrono::duration_cast<Clock::duration>(
												   std::chrono::duration<double>(seconds))),
		  calls_left_(calls > 0 ? calls : std::numeric_limits<int64_t>::max()) {}

	bool take(Clock::time_point now) {
		return now < deadline_ && !failed_ &&
			   calls_left_.fetch_sub(1, std::memory_order_relaxed) > 0;
	}
	bool in_time(Clock::time_point now) const { return now <= deadline_; }
	void fail() { failed_ = true; }

private:
	Clock::time_point deadline_;
	std::atomic<int64_t> calls_left_;
	std::atomic<bool> failed_ = false;
};

class Epoll {
public:
	Epoll() : descriptor_(epoll_create1(EPOLL_CLOEXEC)) { check(descriptor_); }
	~Epoll() { close(descriptor_); }
	Epoll(const Epoll &) = delete;
	Epoll &operator=(const Epoll &) = delete;

	void add(Client &client) {
		epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
		check(epoll_ctl(descriptor_, EPOLL_CTL_ADD, client.connection.socket(), &event));
	}

	std::span<epoll_event> wait() {
		const int count = epoll_wait(descriptor_, events_.data(), events_.size(), -1);
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

// The answer is checked, and the call after the next laid out, while the server works at the next.
void serve(std::span<Client> clients, Limit &limit, Tally &tally) {
	Epoll epoll;
	size_t busy = 0;
	for (Client &client : clients) {
		epoll.add(client);
		if (const Clock::time_point now = Clock::now(); limit.take(now)) {
			client.send(now);
			client.load->encode(client.random);
			busy++;
		}
	}
	while (busy > 0)
		for (const epoll_event &event : epoll.wait()) {
			Client &client = *static_cast<Client *>(event.data.ptr);
			const ResultPtr result = client.connection.receive();
			if (!result)
				continue;
			const Clock::time_point now = Clock::now();
			const auto latency =
				std::chrono::duration_cast<std::chrono::nanoseconds>(now - client.sent);
			if (limit.take(now)) {
				client.send(now);
				client.load->encode(client.random);
			} else {
				busy--;
			}
			client.load->check(result.get());
			if (limit.in_time(now)) {
				tally.calls++;
				tally.units += static_cast<uint64_t>(client.load->units_per_call);
				tally.latency.add(static_cast<uint64_t>(latency.count()));
			}
		}
}

} // namespace

Tally drive(std::vector<Client> &clients, int64_t threads, double seconds, int64_t calls) {
	const auto thread_count = static_cast<size_t>(threads);
	std::vector<Tally> tallies(thread_count);
	std::vector<std::future<void>> running;
	const Clock::time_point begin = Clock::now();
	Limit limit(seconds, calls);
	for (size_t i = 0; i < thread_count; i++) {
		const size_t first = clients.size() * i / thread_count;
		const size_t last = clients.size() * (i + 1) / thread_count;
		running.push_back(std::async(
			std::launch::async,
			[&limit](std::span<Client> share, Tally &tally) {
				try {
					serve(share, limit, tally);
				} catch (...) {
					limit.fail();
					throw;
				}
			},
			std::span(clients).subspan(first, last - first), std::ref(tallies[i])));
	}
	for (std::future<void> &thread : running)
		thread.wait();
	for (std::future<void> &thread : running)
		thread.get();

	Tally total;
	total.seconds =
		calls > 0 ? std::chrono::duration<double>(Clock::now() - begin).count() : seconds;
	for (const Tally &tally : tallies) {
		total.calls += tally.calls;
		total.units += tally.units;
		total.latency.add(tally.latency);
	}
	return total;
}

} // namespace tokpay::bench
