// What a connection has still to send: all of it, in order, in bounded memory.
#include "http/out_buffer.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

TEST(OutBufferTest, WhatIsSentLaterFollows) {
	OutBuffer out;
	out.text() += "abc";
	out.note_sent(1);
	out.text() += "def";
	EXPECT_EQ(out.unsent(), "bcdef");
	out.note_sent(5);
	EXPECT_TRUE(out.empty());
	out.text() += "g";
	EXPECT_EQ(out.unsent(), "g");
}

TEST(OutBufferTest, IsFullWhereTooMuchLiesUnsent) {
	OutBuffer out;
	out.text().assign(OutBuffer::max_unsent_bytes - 1, 'a');
	EXPECT_FALSE(out.full());
	out.text() += 'b';
	EXPECT_TRUE(out.full());
	out.note_sent(1);
	EXPECT_FALSE(out.full());
}

TEST(OutBufferTest, AnIdleConnectionKeepsLittle) {
	OutBuffer out;
	out.text().assign(1 << 20, 'a');
	out.note_sent(1 << 20);
	EXPECT_EQ(out.size(), 0);
	EXPECT_LE(out.text().capacity(), 4096);
}

TEST(OutBufferTest, SomebodyWhoIsAlwaysBehindTakesBoundedMemory) {
	OutBuffer out;
	const std::string piece(10000, 'x');
	for (int i = 0; i < 10000; i++) {
		out.text() += piece;
		out.text().back() = static_cast<char>('a' + i % 26);
		if (i > 0) {
			EXPECT_EQ(out.unsent().substr(piece.size() / 2 - 1, 1),
				std::string(1, static_cast<char>('a' + (i - 1) % 26)));
			out.note_sent(piece.size());
		} else {
			out.note_sent(piece.size() / 2);
		}
		ASSERT_FALSE(out.empty());
		ASSERT_LE(out.size(), 2 * OutBuffer::max_unsent_bytes);
	}
}

} // namespace

} // namespace tokpay
