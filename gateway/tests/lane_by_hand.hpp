// A lane driven by hand, for tests: requests with a name, a weight and a size.
#pragma once

#include "ledger/lane.hpp"

#include <gtest/gtest.h>

namespace tokpay {

using namespace std::chrono_literals;

struct Work {
	std::string name;
	size_t size = 1;
	bool may_repeat = true;
	size_t length = 0;
	int64_t account = 0;

	size_t weight() const { return size; }
	size_t bytes() const { return length; }
	bool repeatable() const { return may_repeat; }

	template<class Predicate> std::optional<int64_t> find_account(Predicate predicate) const {
		return account != 0 && predicate(account) ? std::optional(account) : std::nullopt;
	}
};

using TestLane = Lane<Work, int>;
using State = TestLane::TicketType::State;
using Names = std::vector<std::string>;

constexpr Clock::time_point start{};
constexpr TestLane::Limits limits{
	.batch_weight = 10, .queue_weight = 30, .batch_bytes = 1000, .queue_bytes = 3000};

Names names_of(const TestLane::Batch &batch) {
	Names names;
	for (const auto &ticket : batch)
		names.push_back(ticket->request.name);
	return names;
}

class LaneTest : public testing::Test {
protected:
	explicit LaneTest(TestLane::Limits of_lane = limits) : lane(of_lane) {}

	TestLane::TicketPtr ticket(const Work &work) {
		auto made = std::make_shared<TestLane::TicketType>(work);
		made->on_settled = [this, name = work.name] { settled.push_back(name); };
		return made;
	}

	TestLane::TicketPtr submit(const std::string &name, size_t size = 1, bool may_repeat = true) {
		auto made = ticket({name, size, may_repeat});
		EXPECT_TRUE(lane.submit(made)) << name;
		return made;
	}

	TestLane::TicketPtr submit_until(
		const std::string &name, Clock::time_point deadline, size_t size = 1) {
		auto made = ticket({name, size});
		made->deadline = deadline;
		EXPECT_TRUE(lane.submit(made)) << name;
		return made;
	}

	TestLane::TicketPtr submit_for(int64_t account, const std::string &name, size_t size = 1,
		Clock::time_point deadline = Clock::time_point::max()) {
		auto made = ticket({name, size, true, 0, account});
		made->deadline = deadline;
		EXPECT_TRUE(lane.submit(made)) << name;
		return made;
	}

	Names take() {
		batch = lane.take();
		return names_of(batch);
	}

	Names take_aside(Clock::time_point now = start) {
		batch = lane.take_aside(now);
		return names_of(batch);
	}

	uint64_t depth() const { return lane.counters().depth.get(); }

	TestLane lane;
	TestLane::Batch batch; // the call under way
	Names settled;		   // in order
};

} // namespace tokpay
