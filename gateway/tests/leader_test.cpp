// Who is believed to lead after each answer, without sockets; and epochs as text.
#include "http/response_text.hpp"
#include "ledger/leader.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

using namespace std::chrono_literals;
using Verdict = Leader::Verdict;

constexpr Leader::TimePoint start{};
constexpr Epoch first{1, 1, 5};
constexpr Epoch restarted{1, 1, 6};
constexpr Epoch promoted{1, 2, 7};
constexpr Epoch restored{2, 1, 1};

TEST(EpochTest, IsTextAndBack) {
	for (const char *text :
		{"1.1.1", "0.0.0", "9223372036854775807.2147483647.9223372036854775807"}) {
		ASSERT_TRUE(parse_epoch(text)) << text;
		EXPECT_EQ(to_text(*parse_epoch(text)), text);
	}
	for (const char *text : {"", "1", "1.2", "1.2.", "1.2.3.", "1.2.3.4", ".1.2", "1..2", "-1.2.3",
			 "1.2.x", " 1.2.3", "1,2,3", "1.2147483648.3"})
		EXPECT_FALSE(parse_epoch(text)) << text;
}

TEST(EpochTest, IncarnationCountsMoreThanTimelineAndThatMoreThanCounter) {
	EXPECT_LT(first, restarted);
	EXPECT_LT(restarted, promoted);
	EXPECT_LT(promoted, restored);
	EXPECT_LT((Epoch{1, 9, 9}), (Epoch{2, 0, 0}));
	EXPECT_LT((Epoch{1, 1, 9}), (Epoch{1, 2, 0}));
}

TEST(EpochTest, IsAHeaderOfRepliesThatDependOnData) {
	std::string text;
	append_response(text, {.epoch = first}, "", "", {true, true, true});
	append_response(text, {.epoch = promoted}, "", "", {true, true, true});
	append_response(text, {}, "", "", {true, true, true});
	const size_t one = text.find("\r\nTokPay-Epoch: 1.1.5\r\n");
	const size_t two = text.find("\r\nTokPay-Epoch: 1.2.7\r\n");
	EXPECT_LT(one, two);
	ASSERT_NE(two, std::string::npos);
	EXPECT_EQ(text.find("TokPay-Epoch", two + 10), std::string::npos);
}

TEST(LeaderTest, NobodyLeadsBeforeSomebodyHasSaidSo) {
	Leader leader(3, std::nullopt);
	EXPECT_FALSE(leader.leading());
	EXPECT_FALSE(leader.epoch());
	EXPECT_TRUE(leader.has_none());
	leader.denied(0);
	EXPECT_FALSE(leader.leading());
	EXPECT_EQ(leader.answered(1, first, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 1u);
	EXPECT_EQ(leader.epoch(), first);
	EXPECT_FALSE(leader.has_none());
	EXPECT_EQ(leader.failovers(), 0u);
}

TEST(LeaderTest, OnlyTheWordOfWhoLeadsUnseatsIt) {
	for (const bool by_silence : {false, true}) {
		Leader leader(3, std::nullopt);
		leader.answered(1, first, start);
		const auto unseat = [&](size_t member) {
			by_silence ? leader.doubted(member) : leader.denied(member);
		};
		unseat(0);
		unseat(2);
		EXPECT_EQ(leader.leading(), 1u);
		unseat(1);
		EXPECT_FALSE(leader.leading());
	}
}

TEST(LeaderTest, ALeaderThatWasDoubtedLeadsOnWithItsNextAnswerAndThatIsNoFailover) {
	Leader leader(3, std::nullopt);
	leader.answered(1, first, start);
	leader.doubted(1);
	EXPECT_EQ(leader.answered(1, first, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 1u);
	leader.doubted(1);
	EXPECT_EQ(leader.answered(1, restarted, start), Verdict::accepted);
	EXPECT_EQ(leader.failovers(), 0u);
}

TEST(LeaderTest, AHigherEpochTakesOverAtOnceThoughNobodyHasDoubtedTheOldLeader) {
	Leader leader(3, std::nullopt);
	leader.answered(0, first, start);
	EXPECT_EQ(leader.answered(2, promoted, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 2u);
	EXPECT_EQ(leader.epoch(), promoted);
	EXPECT_EQ(leader.failovers(), 1u);
}

TEST(LeaderTest, AnOlderEpochIsRefusedFromWhomeverItComes) {
	Leader leader(3, std::nullopt);
	leader.answered(0, first, start);
	leader.answered(2, promoted, start);
	EXPECT_EQ(leader.answered(0, first, start), Verdict::older);
	EXPECT_EQ(leader.answered(0, restarted, start), Verdict::older);
	EXPECT_EQ(leader.leading(), 2u) << "it leads, whatever others say";
	EXPECT_EQ(leader.answered(2, first, start), Verdict::older);
	EXPECT_FALSE(leader.leading()) << "it has gone back in time itself";
	EXPECT_EQ(leader.answered(0, first, start), Verdict::older);
	EXPECT_FALSE(leader.leading());
	EXPECT_EQ(leader.epoch(), promoted);
}

TEST(LeaderTest, TheSameServerByAnotherNameChangesNothingUntilItIsNeeded) {
	Leader leader(2, std::nullopt);
	leader.answered(0, first, start);
	EXPECT_EQ(leader.answered(1, first, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 0u);
	leader.doubted(0);
	EXPECT_EQ(leader.answered(1, first, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 1u);
}

TEST(LeaderTest, APromotionIsAFailoverBehindOneNameToo) {
	Leader leader(1, std::nullopt);
	leader.answered(0, first, start);
	leader.answered(0, restarted, start);
	EXPECT_EQ(leader.failovers(), 0u);
	leader.answered(0, promoted, start);
	EXPECT_EQ(leader.failovers(), 1u);
}

TEST(LeaderTest, TheFirstIncarnationIsAcceptedAndALaterOneOnlyByTheOperator) {
	Leader leader(2, std::nullopt);
	leader.answered(0, first, start);
	EXPECT_EQ(leader.answered(1, restored, start), Verdict::not_accepted);
	EXPECT_EQ(leader.leading(), 0u);
	EXPECT_EQ(leader.epoch(), first);
	leader.doubted(0);
	EXPECT_EQ(leader.answered(1, restored, start), Verdict::not_accepted);
	EXPECT_FALSE(leader.leading());
	EXPECT_TRUE(leader.accept(restored.incarnation));
	EXPECT_EQ(leader.answered(1, restored, start), Verdict::accepted);
	EXPECT_EQ(leader.leading(), 1u);
	EXPECT_EQ(leader.answered(0, promoted, start), Verdict::older);
	EXPECT_FALSE(leader.accept(first.incarnation)) << "there is no way back";
	EXPECT_EQ(leader.accepted_incarnation(), restored.incarnation);
}

TEST(LeaderTest, ALeaderWithANewIncarnationIsNotSentAnythingMore) {
	Leader leader(1, std::nullopt);
	leader.answered(0, first, start);
	EXPECT_EQ(leader.answered(0, restored, start), Verdict::not_accepted);
	EXPECT_FALSE(leader.leading());
	EXPECT_TRUE(leader.has_none());
}

TEST(LeaderTest, AnIncarnationThatIsSetRefusesBothOthers) {
	Leader leader(2, 2);
	EXPECT_EQ(leader.answered(0, promoted, start), Verdict::older);
	EXPECT_EQ(leader.answered(1, {3, 1, 1}, start), Verdict::not_accepted);
	EXPECT_FALSE(leader.leading());
	EXPECT_EQ(leader.answered(1, restored, start), Verdict::accepted);
	EXPECT_TRUE(leader.accept(2));
	EXPECT_EQ(leader.leading(), 1u);
	EXPECT_TRUE(leader.accept(3));
	EXPECT_FALSE(leader.leading()) << "the one before it is over";
	EXPECT_EQ(leader.answered(1, restored, start), Verdict::older);
	EXPECT_EQ(leader.answered(1, {3, 1, 1}, start), Verdict::accepted);
}

TEST(LeaderTest, AnOnlyServerLeadsUntilItDeniesIt) {
	Leader leader(1, std::nullopt);
	EXPECT_FALSE(leader.has_none());
	leader.answered(0, first, start);
	leader.doubted(0);
	EXPECT_EQ(leader.leading(), 0u);
	leader.denied(0);
	EXPECT_FALSE(leader.leading());
	EXPECT_TRUE(leader.has_none());
	leader.doubted(0);
	EXPECT_TRUE(leader.has_none());
	leader.answered(0, first, start);
	EXPECT_EQ(leader.leading(), 0u);
	EXPECT_FALSE(leader.has_none());
}

TEST(LeaderTest, RequestsAreHeldForSoLongAfterTheLastAnswerOfALeader) {
	Leader leader(3, std::nullopt);
	EXPECT_FALSE(leader.may_hold(start, 60s)) << "there was none";
	leader.answered(0, first, start + 10s);
	leader.doubted(0);
	EXPECT_TRUE(leader.may_hold(start + 70s, 60s));
	EXPECT_FALSE(leader.may_hold(start + 71s, 60s));
	Leader alone(1, std::nullopt);
	alone.answered(0, first, start);
	EXPECT_FALSE(alone.may_hold(start, 60s)) << "there is nobody to fail over to";
}

} // namespace

} // namespace tokpay
