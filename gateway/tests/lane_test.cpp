// The lane's state machine, driven by hand: what goes into a call, and what becomes of every
// request.
#include "lane_by_hand.hpp"

#include <map>
#include <random>

namespace tokpay {

namespace {

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
	EXPECT_EQ(lane.counters().carried_weight.get(), 24u);
}

TEST_F(LaneTest, ARequestHeavierThanACallGoesAlone) {
	submit("light");
	submit("heavy", 25);
	submit("next");
	EXPECT_EQ(take(), Names({"light"}));
	EXPECT_EQ(take(), Names({"heavy"}));
	EXPECT_EQ(take(), Names({"next"}));
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
	EXPECT_FALSE(lane.submit(ticket({"shed", 2})));
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
