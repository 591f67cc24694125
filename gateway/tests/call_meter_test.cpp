// What is measured of a worker's calls.
#include "ledger/call_meter.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tokpay {
namespace {

class CallMeterTest : public testing::Test {
protected:
	static void begin_call(LaneCounters &lane, size_t weight) {
		lane.batch_sizes.observe(1);
		lane.carried_weight.add(weight);
	}
	static void end_call(LaneCounters &lane) {
		lane.call_durations.observe(std::chrono::seconds(1));
	}
	static void call(LaneCounters &lane, size_t weight) {
		begin_call(lane, weight);
		end_call(lane);
	}

	LaneCounters reads;
	LaneCounters transfers;
	LaneCounters funded;
	CallMeter meter{{&reads, &transfers, &funded}};
};

TEST_F(CallMeterTest, TellsTheLargestLaneSinceTheLastTime) {
	EXPECT_FLOAT_EQ(meter.measure(), 0);
	call(reads, 20);
	call(reads, 40);
	call(transfers, 50);
	EXPECT_FLOAT_EQ(meter.measure(), 50);
	EXPECT_FLOAT_EQ(meter.measure(), 0);
	call(funded, 9);
	EXPECT_FLOAT_EQ(meter.measure(), 9);
}

TEST_F(CallMeterTest, WhatDoesNotAnswerIsInfinitelyHeavy) {
	begin_call(reads, 5);
	EXPECT_TRUE(std::isinf(meter.measure()));
	EXPECT_TRUE(std::isinf(meter.measure()));
	end_call(reads);
	EXPECT_FLOAT_EQ(meter.measure(), 0);
	transfers.depth.add(); // and no connection carries it
	EXPECT_TRUE(std::isinf(meter.measure()));
	call(transfers, 7);
	EXPECT_FLOAT_EQ(meter.measure(), 7);
}

} // namespace
} // namespace tokpay
