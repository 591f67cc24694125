#include "http/turns.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace tokpay {

namespace asio = boost::asio;

Turns::Turn::Turn(asio::io_context &io, Turns &turns, const std::string &caller)
	: turns_(turns), caller_(caller), called_(io) {
	Line &line = turns_.lines_[caller_];
	if (line.under_way < turns_.most_) {
		line.under_way++;
		state_ = State::has_come;
	} else if (line.waiting.size() < turns_.most_waiting_) {
		line.waiting.push_back(this);
		state_ = State::waiting;
	}
}

Turns::Turn::~Turn() {
	if (state_ == State::refused)
		return;
	const auto place = turns_.lines_.find(caller_);
	Line &line = place->second;
	if (state_ == State::waiting) {
		std::erase(line.waiting, this);
	} else if (line.waiting.empty()) {
		if (--line.under_way == 0)
			turns_.lines_.erase(place);
	} else {
		Turn &next = *line.waiting.front();
		line.waiting.pop_front();
		next.state_ = State::has_come;
		next.called_.cancel();
	}
}

asio::awaitable<bool> Turns::Turn::comes(std::chrono::steady_clock::time_point deadline) {
	if (state_ == State::waiting) {
		called_.expires_at(deadline);
		co_await called_.async_wait(asio::as_tuple(asio::use_awaitable));
	}
	co_return state_ == State::has_come;
}

} // namespace tokpay
