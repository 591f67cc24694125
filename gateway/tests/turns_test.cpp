// Turns of callers: how many at once, in which order, and that nobody waits behind somebody else.
#include "http/turns.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tokpay {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Names = std::vector<std::string>;

class TurnsTest : public testing::Test {
protected:
	// Asks for a turn, which lasts until it is taken out of turns.
	void ask(const std::string &name, const std::string &caller,
		Clock::time_point deadline = Clock::now() + 1h) {
		auto turn = std::make_shared<Turns::Turn>(io, line, caller);
		turns[name] = turn;
		const auto wait = [this, name, turn, deadline]() mutable -> boost::asio::awaitable<void> {
			const bool has_come = co_await turn->comes(deadline);
			(has_come ? came : gone).push_back(name);
			turn.reset();
		};
		boost::asio::co_spawn(io, keep(wait), boost::asio::detached);
		run();
	}

	void end(const std::string &name) {
		turns.erase(name);
		run();
	}

	void run() {
		io.restart();
		io.poll();
	}

	// A lambda that is a coroutine has to live as long as that.
	template<class Wait> static boost::asio::awaitable<void> keep(Wait wait) { co_await wait(); }

	Turns line{2, 2};
	boost::asio::io_context io;
	std::unordered_map<std::string, std::shared_ptr<Turns::Turn>> turns;
	Names came;
	Names gone;
};

TEST_F(TurnsTest, ACallersOthersWaitInOrderAndNobodyElses) {
	for (const char *name : {"1", "2", "3", "4"})
		ask(name, "busy");
	EXPECT_EQ(came, Names({"1", "2"}));
	ask("other", "idle");
	EXPECT_EQ(came, Names({"1", "2", "other"}));
	end("2");
	end("1");
	EXPECT_EQ(came, Names({"1", "2", "other", "3", "4"}));
	for (const char *name : {"3", "4", "other"})
		end(name);
	EXPECT_TRUE(line.empty());
	EXPECT_EQ(gone, Names());
}

TEST_F(TurnsTest, NoMoreWaitThanMay) {
	for (const char *name : {"1", "2", "3", "4", "5"})
		ask(name, "busy");
	EXPECT_EQ(gone, Names({"5"}));
	end("5");
	end("1");
	ask("6", "busy");
	EXPECT_EQ(came, Names({"1", "2", "3"}));
	end("2");
	end("3");
	EXPECT_EQ(came, Names({"1", "2", "3", "4", "6"}));
}

TEST_F(TurnsTest, WhoIsTooLateLeavesTheLine) {
	ask("1", "busy");
	ask("2", "busy");
	ask("late", "busy", Clock::now());
	ask("3", "busy");
	EXPECT_EQ(gone, Names({"late"}));
	end("late");
	end("1");
	EXPECT_EQ(came, Names({"1", "2", "3"}));
}

} // namespace

} // namespace tokpay
