#include "api/handled_answer.hpp"

#include "api/router.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tokpay {

namespace asio = boost::asio;

HandledAnswer::HandledAnswer(Worker &worker, const HttpRequest &request, std::string_view bytes,
	std::string body, MemoryBudget::Share share)
	: work_(std::make_shared<Work>(
		  Work{worker, std::string(bytes), std::move(body), std::move(share), request, {}, this})) {
	// What was a view of the connection's bytes becomes one of the copy.
	const auto move_view = [&](std::string_view &view) {
		if (view.data() >= bytes.data() && view.data() + view.size() <= bytes.data() + bytes.size())
			view = {work_->bytes.data() + (view.data() - bytes.data()), view.size()};
	};
	HttpRequest &copy = work_->request;
	move_view(copy.method);
	move_view(copy.target);
	move_view(copy.body);
	for (HttpHeader &header : copy.headers) {
		move_view(header.name);
		move_view(header.value);
	}
	if (!work_->body.empty())
		copy.body = work_->body;
	worker.handled_answers++;
}

HandledAnswer::~HandledAnswer() {
	work_->answer = nullptr;
	work_->worker.handled_answers--;
	if (ready())
		work_->worker.unread_bytes -= work_->response.body.size();
}

void HandledAnswer::start() {
	asio::co_spawn(work_->worker.io, run(work_), asio::detached);
}

const Response &HandledAnswer::response() {
	return work_->response;
}

asio::awaitable<void> HandledAnswer::run(std::shared_ptr<Work> work) {
	size_t route = no_route();
	CallerPtr caller;
	work->response = co_await answer(work->worker, work->request, route, caller);
	if (work->answer == nullptr)
		co_return;
	work->worker.unread_bytes += work->response.body.size();
	work->answer->route = route;
	work->answer->caller = std::move(caller);
	work->answer->finish();
}

} // namespace tokpay
