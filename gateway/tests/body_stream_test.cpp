// Bodies that are made while they are sent: slow clients, clients that go, makers that fail.
#include "http/body_stream.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

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

// As a session does, it lets go of a stream that has ended.
struct Connection final : StreamConnection {
	bool put_piece(std::string_view) override { return true; }
	void stream_ended(bool) override { stream.reset(); }
	void start(asio::io_context &io, BodyStream make) {
		stream = std::make_shared<StreamWriter>(io, *this);
		stream->start(std::move(make));
	}

	std::shared_ptr<StreamWriter> stream;
};

TEST_F(BodyStreamTest, StreamsThatEndAtOnceDoNotTouchThoseThatBeginNext) {
	std::vector<Connection> connections(10);
	size_t gone = 0;
	asio::post(io, [&] {
		for (size_t i = 0; i < connections.size(); i += 2) {
			connections[i].start(io, [](BodyWriter &) -> asio::awaitable<void> { co_return; });
			connections[i + 1].start(io, [&](BodyWriter &) -> asio::awaitable<void> {
				asio::steady_timer never(io, asio::steady_timer::time_point::max());
				co_await never.async_wait(asio::as_tuple(asio::use_awaitable));
				gone++;
			});
		}
	});
	io.poll();
	EXPECT_EQ(gone, 0);
	for (size_t i = 0; i < connections.size(); i++) {
		EXPECT_EQ(connections[i].stream == nullptr, i % 2 == 0);
		if (connections[i].stream)
			connections[i].stream->abandon();
	}
	io.restart();
	io.poll();
	EXPECT_EQ(gone, connections.size() / 2);
}

} // namespace

} // namespace tokpay
