// An answer that is not there yet. A connection keeps them in the order of their requests.
#pragma once

#include "access/caller.hpp"
#include "http/request_trace.hpp"
#include "ledger/lane.hpp"

namespace tokpay {

class PendingAnswer;

// Whom an answer tells that it is there.
class AnswerListener {
public:
	virtual void answer_is_ready() = 0;

protected:
	~AnswerListener() = default;
};

class PendingAnswer {
public:
	PendingAnswer() = default;
	virtual ~PendingAnswer() = default;
	PendingAnswer(const PendingAnswer &) = delete;
	PendingAnswer &operator=(const PendingAnswer &) = delete;

	bool ready() const { return ready_; }

	// The response, once it is ready; valid until another answer is asked for its own.
	virtual const Response &response() = 0;

	AnswerListener *listener = nullptr;	 // none: nobody waits any more
	std::unique_ptr<PendingAnswer> next; // of the same connection
	size_t route = 0;					 // its index in the metrics
	CallerPtr caller;					 // none: nobody, or not asked
	const char *method = nullptr;		 // where the request met no route, and could be read
	std::unique_ptr<RequestTrace> trace; // null: the client has no name for its request
	Clock::time_point begun;
	bool keep_alive = true;
	bool takes_chunks = true;
	bool with_body = true;
	bool is_handled = false; // by a handler

protected:
	void finish() {
		ready_ = true;
		if (listener != nullptr)
			listener->answer_is_ready();
	}

private:
	bool ready_ = false;
};

// The answers that a connection owes, oldest first.
class AnswerQueue {
public:
	bool empty() const { return first_ == nullptr; }
	size_t size() const { return size_; }
	PendingAnswer &front() { return *first_; }

	void push(std::unique_ptr<PendingAnswer> answer) {
		PendingAnswer *added = answer.get();
		(empty() ? first_ : last_->next) = std::move(answer);
		last_ = added;
		size_++;
	}

	std::unique_ptr<PendingAnswer> pop() {
		auto popped = std::exchange(first_, std::move(first_->next));
		size_--;
		return popped;
	}

private:
	std::unique_ptr<PendingAnswer> first_;
	PendingAnswer *last_ = nullptr;
	size_t size_ = 0;
};

} // namespace tokpay
