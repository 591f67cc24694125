// Lines on their way to a reader who may be slow, or not there.
#include "process/log.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace tokpay {

namespace {

TEST(LogBufferTest, KeepsTheOrderAndHandsOverAll) {
	LogBuffer buffer(100);
	buffer.add("a\n");
	buffer.add("b\n");
	std::string lines = "what was there";
	EXPECT_TRUE(buffer.take(&lines));
	EXPECT_EQ(lines, "a\nb\n");
	buffer.add("c\n");
	buffer.close();
	EXPECT_TRUE(buffer.take(&lines));
	EXPECT_EQ(lines, "c\n");
	EXPECT_FALSE(buffer.take(&lines));
	EXPECT_EQ(buffer.dropped(), 0u);
}

TEST(LogBufferTest, DropsAndCountsWhatDoesNotFitUntilThereIsRoom) {
	LogBuffer buffer(4);
	buffer.add("ab\n");
	buffer.add("c\n"); // one byte too many
	buffer.add("\n");
	buffer.add("\n");
	EXPECT_EQ(buffer.dropped(), 2u);
	std::string lines;
	EXPECT_TRUE(buffer.take(&lines));
	EXPECT_EQ(lines, "ab\n\n");
	buffer.add("abc\n");
	buffer.add("abcd\n"); // would never fit
	EXPECT_TRUE(buffer.take(&lines));
	EXPECT_EQ(lines, "abc\n");
	EXPECT_EQ(buffer.dropped(), 3u);
}

class LogTest : public testing::Test {
protected:
	void SetUp() override {
		std::signal(SIGPIPE, SIG_IGN);
		ASSERT_EQ(pipe(ends.data()), 0);
	}
	void TearDown() override {
		close_end(0);
		close_end(1);
	}
	void close_end(size_t end) {
		if (ends[end] >= 0)
			close(ends[end]);
		ends[end] = -1;
	}

	// What is in the pipe, once nobody writes to it any more.
	std::string read_all() {
		close_end(1);
		std::string text;
		std::array<char, 65536> some;
		ssize_t size = 0;
		while ((size = read(ends[0], some.data(), some.size())) > 0)
			text.append(some.data(), static_cast<size_t>(size));
		return text;
	}

	std::array<int, 2> ends{-1, -1};
};

TEST_F(LogTest, EndsOnceEverythingIsWritten) {
	std::string expected;
	{
		Log log(ends[1]);
		for (int i = 0; i < 1000; i++) {
			const std::string line = std::to_string(i) + '\n';
			log.add(line);
			expected += line;
		}
	}
	EXPECT_EQ(read_all(), expected);
}

TEST_F(LogTest, WaitsForRoomInAPipeThatDoesNotBlock) {
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	const std::string line(999, 'x');
	std::string text;
	std::thread reader;
	{
		Log log(ends[1]);
		for (int i = 0; i < 500; i++) // more than the pipe holds
			log.add(line + '\n');
		reader = std::thread([&] {
			std::array<char, 65536> some;
			while (text.size() < 500000)
				text.append(
					some.data(), static_cast<size_t>(read(ends[0], some.data(), some.size())));
		});
	}
	reader.join();
	std::string expected;
	for (int i = 0; i < 500; i++)
		expected += line + '\n';
	EXPECT_EQ(text, expected);
}

TEST_F(LogTest, NobodyWaitsForAReaderAndWhatIsLostIsCounted) {
	constexpr uint64_t lines = 3000;
	const std::string line = std::string(999, 'x') + '\n';
	uint64_t dropped = 0;
	{
		Log log(ends[1]);
		for (uint64_t i = 0; i < lines; i++)
			log.add(line);
		dropped = log.dropped();
		EXPECT_GT(dropped, lines / 10);
		EXPECT_LT(dropped, lines);
	} // and neither does the end
	// The thread goes on until everything that was kept is read.
	std::string text((lines - dropped) * line.size(), ' ');
	for (size_t size = 0; size < text.size();)
		size += static_cast<size_t>(read(ends[0], text.data() + size, text.size() - size));
	for (size_t at = 0; at < text.size(); at += line.size())
		ASSERT_EQ(text.substr(at, line.size()), line) << at;
}

TEST_F(LogTest, LinesThatCannotBeWrittenAreCounted) {
	close_end(0);
	Log log(ends[1]);
	for (int i = 0; i < 100; i++)
		log.add("to nobody\n");
	const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
	while (log.dropped() < 100 && std::chrono::steady_clock::now() < give_up)
		std::this_thread::yield();
	EXPECT_EQ(log.dropped(), 100u);
}

TEST_F(LogTest, AMessageIsOneLineWhateverItSays) {
	const int stderr_kept = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	log_message("database: gone\n\tis it there?\r\n{\"time\":\"\x1b[2J\x7f\"}\n\n");
	const std::string expected =
		"tokpay-gateway: database: gone  is it there?  {\"time\":\" [2J \"}\n";
	std::string text(expected.size(), ' ');
	for (size_t size = 0; size < text.size();)
		size += static_cast<size_t>(read(ends[0], text.data() + size, text.size() - size));
	dup2(stderr_kept, STDERR_FILENO);
	close(stderr_kept);
	EXPECT_EQ(text, expected);
	EXPECT_EQ(read_all(), "");
}

} // namespace

} // namespace tokpay
