// The lane's state machine, driven by hand: what goes into a call, and what becomes of every
// request.
#include "lane.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tokpay {

namespace {

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

// What goes into a call

TEST_F(LaneTest, ALoneRequestGoesAtOnceAndAnEmptyLaneHasNoCall) {
	EXPECT_EQ(take(), Names());
	const auto only = submit("a");
	EXPECT_EQ(only->state, State::waiting);
	EXPECT_FALSE(only->sent);
	EXPECT_EQ(take(), Names({"a"}));
	EXPECT_EQ(only->state, State::in_flight);
	EXPECT_TRUE(only->sent);
	EXPECT_TRUE(lane.empty());
	EXPECT_EQ(lane.counters().batch_sizes.count(), 1u);
}

TEST_F(LaneTest, RequestsThatArriveDuringACallFormTheNextOneInOrder) {
	submit("a");
	EXPECT_EQ(take(), Names({"a"}));
	for (const char *name : {"b", "c", "d"})
		submit(name);
	lane.answered(batch);
	EXPECT_EQ(take(), Names({"b", "c", "d"}));
	EXPECT_EQ(take(), Names());
}

TEST_F(LaneTest, ACallCarriesAtMostItsWeightAndNobodyOvertakes) {
	const std::pair<const char *, size_t> works[] = {
		{"a", 4}, {"b", 6}, {"c", 1}, {"d", 10}, {"e", 3}, {"f", 0}};
	for (const auto &[name, size] : works)
		submit(name, size);
	EXPECT_EQ(take(), Names({"a", "b"}));
	EXPECT_EQ(take(), Names({"c"}));
	EXPECT_EQ(take(), Names({"d"}));
	EXPECT_EQ(take(), Names({"e", "f"}));
}

TEST_F(LaneTest, ARequestHeavierThanACallGoesAlone) {
	submit("light");
	submit("heavy", 25);
	submit("next");
	EXPECT_EQ(take(), Names({"light"}));
	EXPECT_EQ(take(), Names({"heavy"}));
	EXPECT_EQ(take(), Names({"next"}));
}

// How much may wait

TEST_F(LaneTest, AFullQueueShedsAndHasRoomAgainAfterACall) {
	submit("a", 10);
	submit("b", 20);
	const auto shed = ticket({"c"});
	EXPECT_FALSE(lane.submit(shed));
	EXPECT_EQ(shed->state, State::waiting);
	EXPECT_FALSE(shed->sent);
	EXPECT_EQ(lane.counters().shed.get(), 1u);
	EXPECT_EQ(depth(), 2u);
	EXPECT_EQ(take(), Names({"a"}));
	submit("d", 10);
	EXPECT_FALSE(lane.submit(ticket({"e"})));
	EXPECT_EQ(take(), Names({"b"}));
	EXPECT_EQ(take(), Names({"d"}));
	EXPECT_EQ(settled, Names());
}

TEST_F(LaneTest, AnEmptyQueueTakesARequestOfAnyWeight) {
	submit("enormous", 1000);
	EXPECT_FALSE(lane.submit(ticket({"a"})));
	EXPECT_EQ(take(), Names({"enormous"}));
	submit("a");
}

// By size

TEST_F(LaneTest, ACallCarriesAtMostItsBytesOrOneLargerRequestAlone) {
	const std::pair<const char *, size_t> works[] = {
		{"a", 400}, {"b", 600}, {"c", 1}, {"larger", 1500}, {"d", 0}};
	for (const auto &[name, length] : works)
		EXPECT_TRUE(lane.submit(ticket({name, 1, true, length})));
	EXPECT_EQ(take(), Names({"a", "b"}));
	EXPECT_EQ(take(), Names({"c"}));
	EXPECT_EQ(take(), Names({"larger"}));
	EXPECT_EQ(take(), Names({"d"}));
}

TEST_F(LaneTest, AQueueFullOfBytesShedsAndHasRoomAgainAfterACallOrAnAbandonedRequest) {
	const auto add = [&](const char *name, size_t length) {
		return lane.submit(ticket({name, 1, true, length}));
	};
	const auto gone = ticket({"gone", 1, true, 900});
	EXPECT_TRUE(add("a", 1000));
	EXPECT_TRUE(lane.submit(gone));
	EXPECT_TRUE(add("b", 1100));
	EXPECT_FALSE(add("c", 1));
	EXPECT_EQ(lane.counters().shed.get(), 1u);
	lane.abandon(gone);
	EXPECT_TRUE(add("c", 900));
	EXPECT_FALSE(add("d", 1));
	EXPECT_EQ(take(), Names({"a"}));
	EXPECT_TRUE(add("d", 1000));
	lane.connection_lost(batch); // what comes back counts
	EXPECT_FALSE(add("e", 0));
	for (const char *name : {"a", "b", "c", "d"})
		EXPECT_EQ(take(), Names({name}));
	EXPECT_TRUE(add("enormous", 100000));
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

TEST_F(LaneTest, WhatCameBackCountsAsWaiting) {
	submit("a", 10);
	take();
	submit("b", 20);
	lane.connection_lost(batch);
	EXPECT_FALSE(lane.submit(ticket({"c"})));
	EXPECT_EQ(take(), Names({"a"}));
	submit("c", 10);
}

TEST_F(LaneTest, TheRunnerIsWokenForWhatIsTakenIn) {
	int woken = 0;
	lane.on_work = [&] { woken++; };
	submit("a", 30);
	EXPECT_EQ(woken, 1);
	lane.submit(ticket({"shed"}));
	EXPECT_EQ(woken, 1);
}

// Answers

TEST_F(LaneTest, AnAnswerSettlesEveryRequestOnceInOrder) {
	const auto a = submit("a");
	const auto b = submit("b");
	take();
	a->reply = 1;
	b->reply = 2;
	EXPECT_FALSE(a->settled());
	lane.answered(batch);
	EXPECT_EQ(settled, Names({"a", "b"}));
	EXPECT_EQ(a->state, State::answered);
	EXPECT_TRUE(b->settled());
	EXPECT_EQ(a->on_settled, nullptr);
	EXPECT_EQ(take(), Names());
}

TEST_F(LaneTest, WhoeverIsAnsweredMaySubmitAgain) {
	const auto first = submit("first");
	first->on_settled = [&] { submit("second"); };
	take();
	lane.answered(batch);
	EXPECT_EQ(take(), Names({"second"}));
}

// Nobody waits any more

TEST_F(LaneTest, AnAbandonedRequestThatWaitsIsNotSent) {
	submit("a");
	const auto gone = submit("gone");
	submit("b");
	lane.abandon(gone);
	EXPECT_EQ(take(), Names({"a", "b"}));
	EXPECT_FALSE(gone->sent);
	lane.answered(batch);
	EXPECT_EQ(settled, Names({"a", "b"}));
	lane.abandon(submit("c"));
	EXPECT_EQ(take(), Names());
	EXPECT_EQ(lane.counters().batch_sizes.count(), 1u);
}

TEST_F(LaneTest, AbandonedRequestsLeaveTheirPlaceInAFullQueue) {
	const auto gone = submit("gone", 20);
	submit("a", 10);
	lane.abandon(gone);
	EXPECT_EQ(depth(), 1u);
	EXPECT_TRUE(lane.submit(ticket({"b", 20})));
}

TEST_F(LaneTest, TheAnswerOfAnAbandonedRequestIsDropped) {
	const auto gone = submit("gone");
	submit("a");
	take();
	lane.abandon(gone);
	lane.answered(batch);
	EXPECT_EQ(gone->state, State::abandoned);
	EXPECT_EQ(settled, Names({"a"}));
}

TEST_F(LaneTest, AnAbandonedRequestIsNotSentAgain) {
	for (const bool lost : {true, false}) {
		const auto gone = submit("gone");
		submit("a");
		submit("b");
		take();
		lane.abandon(gone);
		if (lost)
			lane.connection_lost(batch);
		else
			lane.refused(batch, "XX000", "");
		for (Names sent; !(sent = lost ? take() : take_aside()).empty(); lane.answered(batch))
			EXPECT_NE(sent[0], "gone");
		EXPECT_EQ(gone->state, State::abandoned);
	}
	EXPECT_EQ(settled, Names({"a", "b", "a", "b"}));
}

// Deadlines

TEST_F(LaneTest, ADeadlineThatHasPassedIsToldOnceWhereverTheRequestIs) {
	const auto waits = submit_until("waits", start + 1s);
	const auto sent = submit_until("sent", start + 1s);
	const auto later = submit_until("later", start + 2s);
	lane.expire(start + 999ms);
	EXPECT_EQ(settled, Names());
	lane.expire(start + 1s);
	EXPECT_EQ(settled, Names({"waits", "sent"}));
	EXPECT_EQ(take(), Names({"later"}));
	lane.expire(start + 1500ms);
	lane.expire(start + 2s);
	EXPECT_EQ(settled, Names({"waits", "sent", "later"}));
	lane.answered(batch);
	lane.expire(start + 3s);
	EXPECT_EQ(settled, Names({"waits", "sent", "later"}));
	for (const auto &late : {waits, sent, later})
		EXPECT_EQ(late->state, State::abandoned);
	EXPECT_FALSE(waits->sent); // certainly not executed
	EXPECT_TRUE(later->sent);  // whether it was is unknown
	EXPECT_TRUE(lane.idle());
}

TEST_F(LaneTest, EarlierDeadlinesThatComeLaterAreHeeded) {
	submit_until("long", start + 10s);
	submit_until("short", start + 1s);
	submit("patient");
	lane.expire(start + 1s);
	EXPECT_EQ(settled, Names({"short"}));
	EXPECT_EQ(take(), Names({"long", "patient"}));
	lane.expire(start + 10s);
	EXPECT_EQ(settled, Names({"short", "long"}));
}

TEST_F(LaneTest, WhatWasAnsweredInTimeDoesNotExpire) {
	submit_until("a", start + 1s);
	take();
	lane.answered(batch);
	EXPECT_TRUE(lane.idle());
	lane.expire(start + 1h);
	EXPECT_EQ(settled, Names({"a"}));
}

TEST_F(LaneTest, WhatHasExpiredMakesRoomAndIsNotSentAgain) {
	submit_until("sent", start + 1s, 10);
	take();
	submit_until("waits", start + 1s, 30);
	EXPECT_FALSE(lane.submit(ticket({"shed", 1})));
	lane.expire(start + 1s);
	EXPECT_EQ(depth(), 0u);
	submit("a", 30);
	lane.connection_lost(batch);
	EXPECT_EQ(take(), Names({"a"}));
	EXPECT_EQ(lane.counters().retried.get(), 1u);
}

TEST_F(LaneTest, WhoeverHasExpiredMaySubmitAgainWithANewDeadline) {
	const auto first = submit_until("first", start + 1s);
	submit_until("second", start + 1s);
	first->on_settled = [&] { submit_until("again", start + 2s); };
	lane.expire(start + 1s);
	EXPECT_EQ(settled, Names({"second"}));
	lane.expire(start + 2s);
	EXPECT_EQ(settled, Names({"second", "again"}));
	EXPECT_EQ(take(), Names());
}

// Lost connections

TEST_F(LaneTest, AfterALostConnectionTheSameGoAgainFirstInOrder) {
	for (const char *name : {"a", "b", "c"})
		submit(name);
	take();
	submit("later");
	lane.connection_lost(batch);
	EXPECT_EQ(batch[0]->state, State::waiting);
	EXPECT_TRUE(batch[0]->sent);
	EXPECT_EQ(settled, Names());
	EXPECT_EQ(lane.counters().retried.get(), 3u);
	EXPECT_EQ(take(), Names({"a", "b", "c", "later"}));
	lane.answered(batch);
	EXPECT_EQ(settled, Names({"a", "b", "c", "later"}));
}

TEST_F(LaneTest, WhatMayNotBeRepeatedIsRefusedAsUnknownOnceItWasSent) {
	submit("a");
	const auto once = submit("once", 1, false);
	submit("b");
	take();
	const auto unsent = submit("unsent", 1, false);
	lane.connection_lost(batch);
	EXPECT_EQ(once->state, State::refused);
	EXPECT_EQ(once->sqlstate, "08007");
	EXPECT_EQ(settled, Names({"once"}));
	EXPECT_EQ(unsent->state, State::waiting);
	EXPECT_EQ(lane.counters().retried.get(), 2u);
	EXPECT_EQ(take(), Names({"a", "b", "unsent"}));
}

TEST_F(LaneTest, WhatIsLostAgainGoesAsideInPartsUntilAnAnswer) {
	for (int i = 0; i < 16; i++)
		submit(std::to_string(i), 0);
	take();
	lane.connection_lost(batch);
	submit("new", 0);
	EXPECT_EQ(take().size(), 17u);
	lane.connection_lost(batch);
	EXPECT_EQ(take(), Names({"new"})); // lost once: perhaps by the others' fault
	lane.answered(batch);
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(take_aside(), Names({std::to_string(2 * i), std::to_string(2 * i + 1)}));
		if (i == 2)
			lane.connection_lost(batch);
		else
			lane.answered(batch);
	}
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(take_aside(), Names({"4"}));
		lane.connection_lost(batch);
		if (i == 0) {
			ASSERT_EQ(take_aside(), Names({"5"}));
			lane.answered(batch);
		}
	}
	take_aside();
	lane.answered(batch);
	EXPECT_EQ(settled.back(), "4");
	EXPECT_EQ(settled.size(), 17u);
	EXPECT_EQ(lane.counters().retried.get(), 16u + 17 + 2 + 5);
	EXPECT_FALSE(lane.has_aside());
}

// Refused calls

TEST_F(LaneTest, ARefusedRequestKnowsWhyAndIsNotRepeated) {
	const auto only = submit("a");
	take();
	lane.refused(batch, "TP010", "detail");
	EXPECT_EQ(only->state, State::refused);
	EXPECT_EQ(only->sqlstate, "TP010");
	EXPECT_EQ(only->message, "detail");
	EXPECT_EQ(settled, Names({"a"}));
	EXPECT_EQ(take(), Names());
}

TEST_F(LaneTest, ARefusedCallIsDividedSoThatAPoisonedRequestHurtsOnlyItself) {
	std::vector<TestLane::TicketPtr> good;
	for (int i = 0; i < 63; i++)
		good.push_back(submit(std::to_string(i), 0));
	const auto poison = submit("poison", 0);
	EXPECT_EQ(take().size(), 64u);
	lane.refused(batch, "22P05", "");
	EXPECT_EQ(settled, Names());
	int calls = 0;
	for (Names names; !(names = take_aside()).empty(); calls++) {
		const bool has_poison = std::ranges::find(names, "poison") != names.end();
		EXPECT_EQ(poison->settled(), false);
		if (has_poison)
			lane.refused(batch, "22P05", "");
		else
			lane.answered(batch);
	}
	EXPECT_EQ(calls, 8 + 8);
	EXPECT_EQ(poison->state, State::refused);
	for (const auto &ticket : good)
		EXPECT_EQ(ticket->state, State::answered);
	EXPECT_EQ(lane.counters().retried.get(), 0u);
	EXPECT_EQ(depth(), 0u);
}

TEST_F(LaneTest, SharedCallsGoOnBesideWhatIsAside) {
	int woken = 0;
	lane.on_aside = [&] { woken++; };
	submit("a");
	submit("b");
	take();
	EXPECT_EQ(woken, 0);
	lane.refused(batch, "40P01", "");
	EXPECT_GT(woken, 0);
	submit("c");
	EXPECT_EQ(take(), Names({"c"}));
	lane.answered(batch);
	EXPECT_EQ(take(), Names());
	EXPECT_TRUE(lane.has_aside());
	EXPECT_EQ(take_aside(), Names({"a"}));
	EXPECT_EQ(take_aside(), Names({"b"}));
	EXPECT_FALSE(lane.has_aside());
}

TEST_F(LaneTest, ARefusedCallWasNotExecutedUnlessOneBeforeItWasLost) {
	const auto sure = submit_until("sure", start + 1s);
	const auto unsure = submit_until("unsure", start + 1s);
	take();
	EXPECT_TRUE(sure->may_be_executed());
	lane.refused(batch, "40P01", "");
	take_aside();
	lane.refused(batch, "40P01", "");
	take_aside();
	lane.connection_lost(batch);
	take();
	lane.refused(batch, "40P01", "");
	EXPECT_FALSE(sure->may_be_executed());
	EXPECT_TRUE(unsure->may_be_executed());
}

// Locks

TEST_F(LaneTest, ThoseWhoNeedALockedAccountWaitAsideAndTheOthersGoAgain) {
	submit_for(7, "a");
	submit_for(8, "b");
	submit_for(7, "c");
	submit("d");
	take();
	submit_for(7, "e");
	submit_for(9, "f");
	lane.locked_out(batch, 7);
	EXPECT_EQ(take(), Names({"b", "d", "f"})); // whoever needs it joins those who wait
	lane.answered(batch);
	EXPECT_EQ(settled, Names({"b", "d", "f"}));
	EXPECT_EQ(depth(), 3u);
	for (const char *asks : {"a", "c", "e", "a"}) { // one at a time
		ASSERT_EQ(take_aside(), Names({asks}));
		lane.locked_out(batch, 7);
		EXPECT_EQ(take(), Names());
	}
	ASSERT_EQ(take_aside(), Names({"c"}));
	lane.answered(batch);
	EXPECT_EQ(take(), Names({"e", "a"})); // the lock is free
	submit_for(7, "g");
	EXPECT_EQ(take(), Names({"g"}));
	EXPECT_FALSE(lane.has_aside());
}

TEST_F(LaneTest, TheRunnerIsWokenForWhatIsReleased) {
	int woken = 0;
	submit_for(7, "a");
	submit_for(7, "b");
	take();
	lane.locked_out(batch, 7);
	take_aside();
	lane.on_work = [&] { woken++; };
	lane.answered(batch);
	EXPECT_EQ(woken, 1);
	EXPECT_EQ(take(), Names({"b"}));
}

TEST_F(LaneTest, NewcomersWaitAsideAlsoWhileTheOnlyOneBeforeThemAsks) {
	submit_for(7, "a");
	take();
	lane.locked_out(batch, 7);
	ASSERT_EQ(take_aside(), Names({"a"}));
	const auto asking = batch;
	submit_for(7, "b");
	EXPECT_EQ(take(), Names());
	lane.locked_out(asking, 7);
	EXPECT_EQ(take_aside(), Names({"b"}));
}

TEST_F(LaneTest, LockedAccountsAndPartsOfCallsTakeTurns) {
	for (const char *name : {"a", "b", "c"})
		submit_for(7, name, 3);
	for (const char *name : {"d", "e", "f"})
		submit_for(8, name, 3);
	for (const char *name : {"g", "h", "i"})
		submit(name, 3);
	take();
	lane.locked_out(batch, 7);
	take();
	lane.locked_out(batch, 8);
	take();
	lane.refused(batch, "XX000", "");
	for (const char *turn : {"a", "d", "g", "h", "i", "b", "e", "c", "f", "a"}) {
		ASSERT_EQ(take_aside(), Names({turn}));
		if (const int64_t account = batch[0]->request.account; account != 0)
			lane.locked_out(batch, account);
		else
			lane.answered(batch);
	}
}

TEST_F(LaneTest, ALockThatNobodyIsKnownToNeedDividesTheCall) {
	submit("a");
	submit("capture");
	take();
	lane.locked_out(batch, 7);
	EXPECT_EQ(take(), Names());
	EXPECT_EQ(take_aside(), Names({"a"}));
	lane.answered(batch);
	EXPECT_EQ(take_aside(), Names({"capture"}));
	lane.locked_out(batch, 7);
	submit_for(7, "b"); // by now it is known who waits for what
	EXPECT_EQ(take(), Names());
	EXPECT_EQ(take_aside(), Names({"capture"}));
}

TEST_F(LaneTest, WhereSomethingElseIsLockedOneAsksForAll) {
	for (const char *name : {"a", "b", "c"})
		submit(name);
	take();
	submit("d");
	lane.locked_out(batch, 0);
	EXPECT_EQ(take(), Names({"d"}));
	EXPECT_EQ(take_aside(), Names({"a"}));
	lane.answered(batch);
	EXPECT_EQ(take(), Names({"b", "c"}));
}

TEST_F(LaneTest, ALoneOneThatSomethingElseLocksOutIsTriedAgainByItself) {
	submit("a");
	take();
	lane.locked_out(batch, 0);
	submit("b");
	EXPECT_EQ(take(), Names({"b"}));
	lane.locked_out(batch, 0);
	for (const char *turn : {"a", "b", "a"}) {
		ASSERT_EQ(take_aside(), Names({turn}));
		lane.locked_out(batch, 0);
	}
}

TEST_F(LaneTest, NobodyBeginsToWaitForALockShortlyBeforeTheDeadline) {
	const auto late = submit_for(7, "late", 1, start + 5s);
	const auto lone = submit_until("lone", start + 5s);
	const auto patient = submit_for(7, "patient", 1, start + 9s);
	take();
	lane.locked_out({late, patient}, 7);
	lane.locked_out({lone}, 0);
	EXPECT_EQ(take_aside(start + 3s), Names({"late"}));
	lane.locked_out(batch, 7);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(take_aside(start + 3500ms), Names({"patient"}));
		lane.locked_out(batch, 7);
	}
	EXPECT_EQ(take_aside(start + 8500ms), Names());
	EXPECT_FALSE(lane.has_aside());
	lane.expire(start + 9s);
	EXPECT_EQ(settled, Names({"late", "lone", "patient"}));
	EXPECT_EQ(depth(), 0u);
	for (const auto &ticket : {late, lone, patient})
		EXPECT_FALSE(ticket->may_be_executed());
}

TEST_F(LaneTest, ThoseWhoWaitForALockLeaveTheQueueToOthers) {
	submit_for(7, "a", 10);
	take();
	lane.locked_out(batch, 7);
	submit_for(7, "b", 20);
	EXPECT_EQ(take(), Names());
	EXPECT_FALSE(lane.submit(ticket({"shed", 1, true, 0, 7})));
	EXPECT_TRUE(lane.submit(ticket({"c", 30, true, 0, 8})));
	EXPECT_EQ(take(), Names({"c"}));
	ASSERT_EQ(take_aside(), Names({"a"}));
	lane.answered(batch);
	submit_for(7, "d", 10);
	EXPECT_EQ(take(), Names({"b"}));
	EXPECT_EQ(take(), Names({"d"}));
}

TEST_F(LaneTest, WhoGivesUpLeavesTheOthersInTheirTurns) {
	const auto gone = submit_for(7, "gone");
	submit_for(7, "a");
	take();
	lane.locked_out(batch, 7);
	lane.abandon(gone);
	EXPECT_EQ(depth(), 1u);
	EXPECT_EQ(take_aside(), Names({"a"}));
	lane.abandon(batch[0]);
	lane.locked_out(batch, 7);
	EXPECT_EQ(take_aside(), Names());
	EXPECT_EQ(depth(), 0u);
	submit_for(7, "b"); // nobody waits for the lock any more
	EXPECT_EQ(take(), Names({"b"}));
}

// Counters

TEST_F(LaneTest, CountersTellCallsRequestsAndDepth) {
	for (const char *name : {"a", "b", "c"})
		submit(name);
	EXPECT_EQ(depth(), 3u);
	take();
	EXPECT_EQ(depth(), 0u);
	submit("d");
	take();
	EXPECT_EQ(lane.counters().batch_sizes.count(), 2u);
	EXPECT_EQ(lane.counters().batch_sizes.sum(), 4u);
	EXPECT_EQ(lane.counters().shed.get(), 0u);
}

TEST_F(LaneTest, WhatCameBackIsPartOfTheDepth) {
	submit("a");
	submit("b");
	take();
	submit("c");
	lane.connection_lost(batch);
	EXPECT_EQ(depth(), 3u);
	take();
	lane.refused(batch, "XX000", "");
	EXPECT_EQ(depth(), 3u);
}

// Everything together

TEST_F(LaneTest, InAnyHistoryEveryRequestIsSettledOnceAndCallsKeepTheirWeight) {
	std::mt19937 random(1);
	const auto chance = [&](int percent) { return int(random() % 100) < percent; };
	std::map<std::string, int> expected; // how often it has to be settled
	std::vector<TestLane::TicketPtr> waiting;
	for (int step = 0; step < 20000; step++) {
		if (chance(60)) {
			auto made =
				ticket({std::to_string(step), random() % 13, chance(80), 0, int64_t(random() % 4)});
			if (lane.submit(made)) {
				expected[made->request.name] = 1;
				waiting.push_back(made);
			}
		}
		if (chance(5) && !waiting.empty()) {
			const auto &some = waiting[random() % waiting.size()];
			if (!some->settled()) {
				lane.abandon(some);
				expected[some->request.name] = 0;
			}
		}
		if (!chance(60))
			continue;
		if (chance(50))
			take();
		else
			take_aside();
		size_t weight = 0;
		for (const auto &ticket : batch) {
			EXPECT_EQ(ticket->state, State::in_flight);
			weight += ticket->request.weight();
		}
		EXPECT_TRUE(weight <= limits.batch_weight || batch.size() == 1);
		if (chance(10))
			lane.connection_lost(batch);
		else if (chance(10))
			lane.refused(batch, "XX000", "");
		else if (chance(10))
			lane.locked_out(batch, random() % 4);
		else
			lane.answered(batch);
		std::erase_if(waiting, [](const auto &ticket) { return ticket->settled(); });
	}
	while (!take().empty() || !take_aside().empty())
		lane.answered(batch);
	EXPECT_TRUE(lane.idle());
	EXPECT_EQ(depth(), 0u);
	std::map<std::string, int> times;
	for (const auto &[name, _] : expected)
		times[name] = 0;
	for (const std::string &name : settled)
		times[name]++;
	EXPECT_EQ(times, expected);
	EXPECT_GT(settled.size(), 5000u);
}

} // namespace

} // namespace tokpay
