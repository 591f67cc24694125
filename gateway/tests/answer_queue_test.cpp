// The answers that a connection owes: in the order of their requests, whenever they are ready.
#include "http/pending_answer.hpp"

#include <gtest/gtest.h>

namespace tokpay {

namespace {

class Answer final : public PendingAnswer {
public:
	Answer(std::string body, int *alive) : response_{.body = std::move(body)}, alive_(alive) {
		++*alive_;
	}
	~Answer() override { --*alive_; }
	Answer(const Answer &) = delete;
	Answer &operator=(const Answer &) = delete;

	using PendingAnswer::finish;
	const Response &response() override { return response_; }

private:
	Response response_;
	int *alive_;
};

class AnswerQueueTest : public testing::Test, public AnswerListener {
protected:
	Answer *push(const std::string &body) {
		auto answer = std::make_unique<Answer>(body, &alive);
		Answer *pushed = answer.get();
		pushed->listener = this;
		queue.push(std::move(answer));
		return pushed;
	}

	// As a connection does it: whatever is ready at the front.
	void answer_is_ready() override {
		while (!queue.empty() && queue.front().ready()) {
			written += queue.front().response().body;
			queue.pop();
		}
	}

	int alive = 0;
	AnswerQueue queue;
	std::string written;
};

TEST_F(AnswerQueueTest, AnswersGoOutInTheOrderOfTheirRequests) {
	Answer *a = push("a");
	Answer *b = push("b");
	Answer *c = push("c");
	c->finish();
	EXPECT_EQ(written, "");
	a->finish();
	EXPECT_EQ(written, "a");
	Answer *d = push("d");
	d->finish();
	EXPECT_EQ(written, "a");
	b->finish();
	EXPECT_EQ(written, "abcd");
	EXPECT_EQ(alive, 0);
}

TEST_F(AnswerQueueTest, IsUsableAgainOnceItWasEmpty) {
	for (const char *body : {"a", "b", "c"}) {
		EXPECT_TRUE(queue.empty());
		push(body)->finish();
		EXPECT_EQ(queue.size(), 0u);
	}
	EXPECT_EQ(written, "abc");
}

TEST_F(AnswerQueueTest, KnowsItsSizeAndHandsOver) {
	push("a");
	push("b");
	EXPECT_EQ(queue.size(), 2u);
	const auto first = queue.pop();
	EXPECT_EQ(first->response().body, "a");
	EXPECT_EQ(first->next, nullptr);
	EXPECT_EQ(queue.size(), 1u);
	EXPECT_EQ(queue.front().response().body, "b");
}

TEST_F(AnswerQueueTest, AnAnswerNobodyWaitsForTellsNobody) {
	Answer *gone = push("gone");
	gone->listener = nullptr;
	gone->finish();
	EXPECT_EQ(written, "");
	EXPECT_TRUE(gone->ready());
}

TEST_F(AnswerQueueTest, TakesWhatItOwesWithIt) {
	{
		AnswerQueue closed;
		for (int i = 0; i < 64; i++)
			closed.push(std::make_unique<Answer>("x", &alive));
		EXPECT_EQ(alive, 64);
	}
	EXPECT_EQ(alive, 0);
}

} // namespace

} // namespace tokpay
