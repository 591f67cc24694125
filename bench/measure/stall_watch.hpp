// Notices when the whole machine stands still, as virtual ones do now and then: no measurement is
// worth anything then, and it is repeated.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace tokpay::bench {

// From construction to stop() a thread sleeps again and again, and keeps how long it overslept.
class StallWatch {
public:
	// In seconds: the longest time for which the thread did not run.
	double stop() {
		thread_.request_stop();
		thread_.join();
		return std::chrono::duration<double>(longest_).count();
	}

private:
	using Clock = std::chrono::steady_clock;

	static constexpr std::chrono::milliseconds nap{20};

	Clock::duration longest_{};
	std::jthread thread_{[this](const std::stop_token &stopped) {
		while (!stopped.stop_requested()) {
			const Clock::time_point before = Clock::now();
			std::this_thread::sleep_for(nap);
			longest_ = std::max(longest_, Clock::now() - before - nap);
		}
	}};
};

} // namespace tokpay::bench
