// What a lane keeps aside so that it hurts nobody it shares a call with: parts of calls that were
// lost or refused, and requests that need a locked account.
#include "lane_by_hand.hpp"

#include <algorithm>

namespace tokpay {

namespace {

using AsideTest = LaneTest;

// Parts of calls

TEST_F(AsideTest, WhatIsLostAgainGoesAsideInPartsUntilAnAnswer) {
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

TEST_F(AsideTest, ARefusedCallIsDividedSoThatAPoisonedRequestHurtsOnlyItself) {
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

TEST_F(AsideTest, SharedCallsGoOnBesideWhatIsAside) {
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

TEST_F(AsideTest, ARefusedCallWasNotExecutedUnlessOneBeforeItWasLost) {
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

TEST_F(AsideTest, ThoseWhoNeedALockedAccountWaitAsideAndTheOthersGoAgain) {
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

TEST_F(AsideTest, TheRunnerIsWokenForWhatIsReleased) {
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

TEST_F(AsideTest, NewcomersWaitAsideAlsoWhileTheOnlyOneBeforeThemAsks) {
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

TEST_F(AsideTest, LockedAccountsAndPartsOfCallsTakeTurns) {
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

TEST_F(AsideTest, ALockThatNobodyIsKnownToNeedDividesTheCall) {
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

TEST_F(AsideTest, WhereSomethingElseIsLockedOneAsksForAll) {
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

TEST_F(AsideTest, ALoneOneThatSomethingElseLocksOutIsTriedAgainByItself) {
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

TEST_F(AsideTest, NobodyBeginsToWaitForALockShortlyBeforeTheDeadline) {
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

TEST_F(AsideTest, ThoseWhoWaitForALockLeaveTheQueueToOthers) {
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

TEST_F(AsideTest, WhoGivesUpLeavesTheOthersInTheirTurns) {
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

} // namespace

} // namespace tokpay
