// Bodies that are made while they are sent: slow clients, clients that go, makers that fail.
#include "body_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace tokpay {

namespace asio = boost::asio;

namespace {

class BodyStreamTest : public testing::Test, public StreamConnection {
protected:
	bool put_piece(std::string_view piece) override {
		taken += piece;
		return taken.size() < room;
	}
	void stream_ended(bool complete) override { ended = complete ? "complete" : "cut short"; }

	void start(BodyStream make) {
		stream = std::make_shared<StreamWriter>(io, *this);
		stream->start(std::move(make));
		io.restart();
		io.poll();
	}
	void proceed() {
		stream->proceed();
		io.restart();
		io.poll();
	}
	void abandon() {
		stream->abandon();
		io.restart();
		io.poll();
	}

	asio::io_context io;
	std::shared_ptr<StreamWriter> stream;
	size_t room = 1000;
	std::string taken;
	std::string ended;
};

asio::awaitable<void> count_to_five(BodyWriter &out, std::string *done) {
	for (const char *digit : {"1", "2", "3", "4", "5"}) {
		if (!co_await out.write(digit)) {
			*done = std::string("gone at ") + digit;
			co_return;
		}
	}
	*done = "all";
}

TEST_F(BodyStreamTest, AllPiecesComeInOrder) {
	std::string done;
	start([&](BodyWriter &out) { return count_to_five(out, &done); });
	EXPECT_EQ(taken, "12345");
	EXPECT_EQ(done, "all");
	EXPECT_EQ(ended, "complete");
}

TEST_F(BodyStreamTest, WaitsForAClientThatIsSlowToRead) {
	std::string done;
	room = 2;
	start([&](BodyWriter &out) { return count_to_five(out, &done); });
	EXPECT_EQ(taken, "12");
	io.restart();
	io.poll();
	EXPECT_EQ(taken, "12");
	room = 4;
	proceed();
	EXPECT_EQ(taken, "1234");
	EXPECT_EQ(ended, "");
	room = 1000;
	proceed();
	EXPECT_EQ(taken, "12345");
	EXPECT_EQ(ended, "complete");
}

TEST_F(BodyStreamTest, RoomThatNobodyWaitsForIsNotForgottenNorCountedTwice) {
	std::string done;
	room = 2;
	start([&](BodyWriter &out) { return count_to_five(out, &done); });
	stream->proceed();
	proceed();
	EXPECT_EQ(taken, "123");
}

TEST_F(BodyStreamTest, AMakerThatFailsLeavesTheBodyCutShort) {
	start([](BodyWriter &out) -> asio::awaitable<void> {
		const std::string piece = "1";
		co_await out.write(piece);
		throw std::runtime_error("on purpose");
	});
	EXPECT_EQ(taken, "1");
	EXPECT_EQ(ended, "cut short");
}

TEST_F(BodyStreamTest, AClientThatGoesEndsAWaitForRoom) {
	std::string done;
	room = 2;
	start([&](BodyWriter &out) { return count_to_five(out, &done); });
	abandon();
	EXPECT_EQ(done, "gone at 2");
	EXPECT_EQ(taken, "12");
	EXPECT_EQ(ended, ""); // the connection is gone
}

TEST_F(BodyStreamTest, AClientThatGoesEndsAnyOtherWait) {
	std::string done;
	start([&](BodyWriter &out) -> asio::awaitable<void> {
		asio::steady_timer never(io, asio::steady_timer::time_point::max());
		co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
		const std::string piece = "1";
		const bool written = co_await out.write(piece);
		done = written ? "written" : "gone";
	});
	EXPECT_EQ(done, "");
	abandon();
	EXPECT_EQ(done, "gone");
	EXPECT_EQ(taken, "");
	EXPECT_EQ(ended, "");
	EXPECT_TRUE(io.stopped()); // nothing waits any more
}

} // namespace

} // namespace tokpay
