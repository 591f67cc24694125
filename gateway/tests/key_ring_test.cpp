// When the issuer is asked for its keys, and how long they are believed.
#include "access/key_ring.hpp"

#include "signing_key.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

using namespace std::chrono_literals;
using Kind = KeyRing::LookUp::Kind;
constexpr auto algorithm = jose::Algorithm::eddsa;
const KeyRing::Clock::time_point start = KeyRing::Clock::time_point() + 1h;

class TheKeyRing : public testing::Test {
protected:
	void answer(std::initializer_list<const char *> ids, KeyRing::Clock::time_point now) {
		std::string text = R"({"keys":[)";
		for (const char *id : ids)
			text += '{' + key.jwk() + R"(,"kid":")" + id + "\"},";
		text.back() = ']';
		text += '}';
		std::string why;
		changed = ring.fetched(*jose::KeySet::parse(text, &why), text, now);
	}

	KeyRing::LookUp find(const char *id, KeyRing::Clock::time_point now) {
		return ring.find(algorithm, id, now);
	}

	SigningKey key = SigningKey::ed25519();
	KeyRing ring;
	bool changed = false;
};

TEST_F(TheKeyRing, AsksOnceAndThenKnows) {
	EXPECT_TRUE(find("a", start).ask);
	const auto second = find("a", start);
	EXPECT_EQ(second.kind, Kind::wait);
	EXPECT_FALSE(second.ask);
	answer({"a", "b"}, start);
	EXPECT_TRUE(changed);
	const auto found = find("a", start + 1s);
	EXPECT_EQ(found.kind, Kind::found);
	EXPECT_FALSE(found.ask);
	ASSERT_TRUE(found.key);
	EXPECT_TRUE(found.key->verifies(algorithm, "x", key.sign(algorithm, "x")));
}

TEST_F(TheKeyRing, AsksForAnUnknownKeyAtMostOnceAMinute) {
	find("a", start);
	answer({"a"}, start);
	EXPECT_EQ(find("made up", start + 59s).kind, Kind::unknown);
	const auto later = find("b", start + 60s);
	EXPECT_EQ(later.kind, Kind::wait);
	EXPECT_TRUE(later.ask);
	EXPECT_FALSE(find("c", start + 60s).ask);
	answer({"a", "b"}, start + 61s);
	EXPECT_TRUE(changed);
	EXPECT_EQ(find("b", start + 61s).kind, Kind::found);
	int asked = 0;
	for (int second = 61; second < 661; second++)
		if (find("made up", start + second * 1s).ask) {
			asked++;
			answer({"a", "b"}, start + second * 1s);
			EXPECT_FALSE(changed);
		}
	EXPECT_LE(asked, 10);
	EXPECT_GE(asked, 9);
}

TEST_F(TheKeyRing, RefreshesWhileTheOldKeysServe) {
	find("a", start);
	answer({"a"}, start);
	EXPECT_FALSE(find("a", start + 4min).ask);
	const auto due = find("a", start + 5min);
	EXPECT_EQ(due.kind, Kind::found);
	EXPECT_TRUE(due.ask);
	EXPECT_FALSE(find("a", start + 5min).ask);
	answer({"b"}, start + 5min);
	EXPECT_TRUE(changed);
	EXPECT_EQ(find("a", start + 5min + 1s).kind, Kind::unknown); // withdrawn
}

TEST_F(TheKeyRing, OutlivesAnIssuerThatIsDownButNotForEver) {
	find("a", start);
	answer({"a"}, start);
	find("a", start + 5min);
	ring.failed(start + 5min);
	EXPECT_FALSE(find("a", start + 5min + 4s).ask);
	EXPECT_TRUE(find("a", start + 5min + 5s).ask);
	ring.failed(start + 5min + 5s);
	EXPECT_EQ(find("a", start + 59min).kind, Kind::found);
	ring.failed(start + 59min);
	EXPECT_EQ(find("a", start + 61min).kind, Kind::wait);
	ring.failed(start + 61min);
	EXPECT_EQ(find("a", start + 61min).kind, Kind::unavailable);
}

TEST_F(TheKeyRing, WithoutAnyAnswerNothingIsKnown) {
	find("a", start);
	ring.failed(start);
	EXPECT_EQ(find("a", start + 1s).kind, Kind::unavailable);
	EXPECT_TRUE(find("a", start + 5s).ask);
}

} // namespace

} // namespace tokpay
