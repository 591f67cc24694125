// How much may wait in a lane, by weight, by size and where the database is slow.
#include "lane_by_hand.hpp"

namespace tokpay {

namespace {

using QueueTest = LaneTest;

TEST_F(QueueTest, AFullQueueShedsAndHasRoomAgainAfterACall) {
	submit("a", 10);
	submit("b", 20);
	const auto shed = ticket({"c", 2});
	EXPECT_FALSE(lane.submit(shed));
	EXPECT_EQ(shed->state, State::waiting);
	EXPECT_FALSE(shed->sent);
	EXPECT_EQ(lane.counters().shed.get(), 1u);
	EXPECT_EQ(depth(), 2u);
	EXPECT_EQ(take(), Names({"a"}));
	submit("d", 10);
	EXPECT_FALSE(lane.submit(ticket({"e", 2})));
	EXPECT_EQ(take(), Names({"b"}));
	EXPECT_EQ(take(), Names({"d"}));
	EXPECT_EQ(settled, Names());
}

TEST_F(QueueTest, AnEmptyQueueTakesARequestOfAnyWeight) {
	submit("enormous", 1000);
	EXPECT_FALSE(lane.submit(ticket({"a", 2})));
	EXPECT_EQ(take(), Names({"enormous"}));
	submit("a", 2);
}

TEST_F(QueueTest, HalfOfAQueueThatIsFullOfHeavyRequestsIsLeftToLightOnes) {
	submit("enormous", 1000);
	for (int i = 0; i < 15; i++)
		submit("light");
	EXPECT_FALSE(lane.submit(ticket({"light"})));
	EXPECT_FALSE(lane.submit(ticket({"heavy", 2})));
	EXPECT_EQ(take(), Names({"enormous"}));
	for (int i = 0; i < 15; i++)
		submit("light");
	EXPECT_FALSE(lane.submit(ticket({"light"})));
	EXPECT_EQ(lane.counters().shed.get(), 3u);
}

// By size

TEST_F(QueueTest, ACallCarriesAtMostItsBytesOrOneLargerRequestAlone) {
	const std::pair<const char *, size_t> works[] = {
		{"a", 400}, {"b", 600}, {"c", 1}, {"larger", 1500}, {"d", 0}};
	for (const auto &[name, length] : works)
		EXPECT_TRUE(lane.submit(ticket({name, 1, true, length})));
	EXPECT_EQ(take(), Names({"a", "b"}));
	EXPECT_EQ(take(), Names({"c"}));
	EXPECT_EQ(take(), Names({"larger"}));
	EXPECT_EQ(take(), Names({"d"}));
}

TEST_F(QueueTest, AQueueFullOfBytesShedsAndHasRoomAgainAfterACallOrAnAbandonedRequest) {
	const auto add = [&](const char *name, size_t length) {
		return lane.submit(ticket({name, 1, true, length}));
	};
	const auto gone = ticket({"gone", 1, true, 900});
	EXPECT_TRUE(add("a", 1000));
	EXPECT_TRUE(lane.submit(gone));
	EXPECT_TRUE(add("b", 1100));
	EXPECT_FALSE(add("c", 11));
	EXPECT_EQ(lane.counters().shed.get(), 1u);
	lane.abandon(gone);
	EXPECT_TRUE(add("c", 900));
	EXPECT_FALSE(add("d", 11));
	EXPECT_EQ(take(), Names({"a"}));
	EXPECT_TRUE(add("d", 1000));
	lane.connection_lost(batch); // what comes back counts
	EXPECT_FALSE(add("e", 11));
	for (const char *name : {"a", "b", "c", "d"})
		EXPECT_EQ(take(), Names({name}));
	EXPECT_TRUE(add("enormous", 100000));
	EXPECT_TRUE(add("light", 10));
	EXPECT_FALSE(add("heavy", 11));
}

// By time

class SlowLaneTest : public LaneTest {
protected:
	static constexpr TestLane::Limits wide{
		.batch_weight = 1000, .queue_weight = 4000, .max_wait = 1000ms};

	SlowLaneTest() : LaneTest(wide) {}

	// A call of this weight is answered after so long.
	void call(size_t weight, Clock::duration took) {
		submit("call", weight);
		take();
		lane.note_duration(batch, took);
		lane.answered(batch);
	}

	// How much may wait now.
	size_t room() {
		size_t weight = 0;
		while (lane.submit(ticket({"waits"})))
			weight++;
		while (!take().empty())
			lane.answered(batch);
		return weight;
	}
};

TEST_F(SlowLaneTest, NoMoreWaitsThanIsCarriedInMaxWaitByADatabaseThatIsSlow) {
	EXPECT_EQ(room(), 4000u);
	call(500, 500ms);
	call(250, 500ms);
	EXPECT_EQ(room(), 1000u); // the better of the two
	call(250, 500ms);
	EXPECT_EQ(room(), 500u);
	call(500, 2s);
	EXPECT_EQ(room(), 500u);
	call(500, 2s);
	EXPECT_EQ(room(), 250u);
	call(1, 3s);
	call(1, 3s);
	EXPECT_EQ(room(), 100u); // so few always may
	call(100, 1ms);
	EXPECT_EQ(room(), 4000u);
}

TEST_F(SlowLaneTest, SmallCallsOfADatabaseThatIsNotSlowLimitNothing) {
	for (int i = 0; i < 10; i++)
		call(1, 1ms);
	EXPECT_EQ(room(), 4000u);
	call(1000, 250ms); // as the limits are made for
	call(1000, 250ms);
	EXPECT_EQ(room(), 4000u);
}

TEST_F(SlowLaneTest, OneCallThatWaitedForALockIsForgiven) {
	call(200, 10ms);
	call(1, 10s);
	EXPECT_EQ(room(), 4000u);
	call(200, 10ms);
	EXPECT_EQ(room(), 4000u);
}

TEST_F(SlowLaneTest, ACallWithoutDurationOrWeightIsNoTrouble) {
	call(0, 0ms);
	call(1, 0ms);
	EXPECT_EQ(room(), 4000u);
	call(0, 1s);
	call(0, 1s);
	EXPECT_EQ(room(), 100u);
}

TEST_F(QueueTest, WhatCameBackCountsAsWaiting) {
	submit("a", 10);
	take();
	submit("b", 20);
	lane.connection_lost(batch);
	EXPECT_FALSE(lane.submit(ticket({"c", 2})));
	EXPECT_EQ(take(), Names({"a"}));
	submit("c", 10);
}

TEST_F(QueueTest, TheRunnerIsWokenForWhatIsTakenIn) {
	int woken = 0;
	lane.on_work = [&] { woken++; };
	submit("a", 30);
	EXPECT_EQ(woken, 1);
	lane.submit(ticket({"shed", 2}));
	EXPECT_EQ(woken, 1);
}

} // namespace

} // namespace tokpay
