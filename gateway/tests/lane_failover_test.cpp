// What becomes of a lane's requests while the leader changes, driven by hand.
#include "ledger/lane.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

using namespace std::chrono_literals;

struct Work {
	std::string name;
	size_t size = 1;
	bool may_repeat = true;

	size_t weight() const { return size; }
	size_t bytes() const { return 0; }
	bool repeatable() const { return may_repeat; }
};

using TestLane = Lane<Work, int>;
using State = TestLane::TicketType::State;
using Blame = TestLane::Blame;
using Names = std::vector<std::string>;

constexpr TestLane::Limits limits{.batch_weight = 10, .queue_weight = 200};

class LaneFailoverTest : public testing::Test {
protected:
	TestLane::TicketPtr submit(const Work &work) {
		auto made = std::make_shared<TestLane::TicketType>(work);
		return lane.submit(made) ? made : nullptr;
	}

	Names take() {
		batch = lane.take();
		Names names;
		for (const auto &ticket : batch)
			names.push_back(ticket->request.name);
		return names;
	}

	TestLane lane{limits};
	TestLane::Batch batch; // the call under way
};

TEST_F(LaneFailoverTest, WhatAMemberThatDoesNotLeadWasSentGoesAgainFirstAndWasNotExecuted) {
	const auto first = submit({"a"});
	const auto once = submit({"once", 1, false});
	EXPECT_EQ(take(), Names({"a", "once"}));
	submit({"later"});
	for (int i = 0; i < 5; i++) {
		lane.not_executed(batch);
		EXPECT_EQ(first->state, State::waiting);
		EXPECT_FALSE(first->may_be_executed());
		EXPECT_FALSE(once->may_be_executed());
		EXPECT_FALSE(lane.has_aside());
		EXPECT_EQ(take(), Names({"a", "once", "later"}));
	}
	EXPECT_EQ(lane.counters().retried.get(), 0u);
}

TEST_F(LaneFailoverTest, AnEarlierAttemptStaysUnknownWhateverAMemberThatDoesNotLeadSays) {
	const auto ticket = submit({"a"});
	take();
	lane.connection_lost(batch, Blame::leader);
	take();
	lane.not_executed(batch);
	EXPECT_TRUE(ticket->may_be_executed());
}

TEST_F(LaneFailoverTest, CallsThatWereGivenUpMakeNobodySuspect) {
	submit({"a"});
	submit({"b"});
	for (int i = 0; i < 5; i++) {
		EXPECT_EQ(take(), Names({"a", "b"}));
		lane.connection_lost(batch, Blame::leader);
		EXPECT_FALSE(lane.has_aside());
	}
	take();
	lane.connection_lost(batch);
	EXPECT_FALSE(lane.has_aside());
	take();
	lane.connection_lost(batch);
	EXPECT_TRUE(lane.has_aside());
}

TEST_F(LaneFailoverTest, WhatMayNotBeRepeatedIsUnknownWhereItsCallWasGivenUp) {
	const auto once = submit({"once", 1, false});
	take();
	lane.connection_lost(batch, Blame::leader);
	EXPECT_EQ(once->state, State::refused);
	EXPECT_EQ(once->sqlstate, "08007");
}

TEST_F(LaneFailoverTest, WhileALeaderIsLookedForAsMuchMayWaitAsBeforeASlowDatabase) {
	for (int i = 0; i < 2; i++) { // one alone says little
		submit({"slow", 10});
		take();
		lane.note_duration(batch, 2s);
		lane.answered(batch);
	}
	ASSERT_TRUE(submit({"a", 100}));
	EXPECT_FALSE(submit({"b", 2}));
	lane.hold(true);
	EXPECT_TRUE(submit({"b", 100}));
	EXPECT_FALSE(submit({"c", 2})) << "the queue is really full";
	EXPECT_EQ(take(), Names({"a"}));
	EXPECT_EQ(take(), Names({"b"}));
	lane.hold(false);
	ASSERT_TRUE(submit({"a", 100}));
	EXPECT_FALSE(submit({"b", 2}));
}

TEST_F(LaneFailoverTest, AnAnswerAndARefusalTellTheirEpoch) {
	constexpr Epoch epoch{1, 2, 3};
	const auto answered = submit({"a"});
	take();
	EXPECT_FALSE(answered->epoch);
	lane.answered(batch, epoch);
	EXPECT_EQ(answered->epoch, epoch);
	const auto refused = submit({"b"});
	take();
	lane.refused(batch, "TP010", "", epoch);
	EXPECT_EQ(refused->epoch, epoch);
}

} // namespace

} // namespace tokpay
