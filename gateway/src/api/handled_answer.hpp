// An answer that a handler makes in a coroutine of its own.
#pragma once

#include "http/pending_answer.hpp"
#include "process/worker.hpp"

namespace tokpay {

class HandledAnswer final : public PendingAnswer {
public:
	// Keeps a copy of the request: its texts are in bytes, its body there or in body, whose memory
	// is share.
	HandledAnswer(Worker &worker, const HttpRequest &request, std::string_view bytes,
		std::string body, MemoryBudget::Share share);
	~HandledAnswer() override;

	void start();
	const Response &response() override;

private:
	// What the coroutine works with; it ends in its own time when the connection is gone.
	struct Work {
		Worker &worker;
		std::string bytes;
		std::string body;
		MemoryBudget::Share share;
		HttpRequest request;
		Response response;
		HandledAnswer *answer;
	};

	static boost::asio::awaitable<void> run(std::shared_ptr<Work> work);

	std::shared_ptr<Work> work_;
};

} // namespace tokpay
