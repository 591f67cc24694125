// Callers take turns: each has a bounded number of things under way, and what it wants beyond that
// waits behind them, so that nobody else's have to.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>

namespace tokpay {

// Not thread-safe; it outlives its turns.
class Turns {
public:
	// Of one caller: at once, and beyond that waiting.
	Turns(size_t most, size_t most_waiting) : most_(most), most_waiting_(most_waiting) {}

	// A caller's place, for as long as it lives.
	class Turn {
	public:
		Turn(boost::asio::io_context &io, Turns &turns, const std::string &caller);
		~Turn();
		Turn(const Turn &) = delete;
		Turn &operator=(const Turn &) = delete;

		// False where too many wait, or it is too late.
		boost::asio::awaitable<bool> comes(std::chrono::steady_clock::time_point deadline);

	private:
		friend class Turns;
		enum class State { refused, waiting, has_come };

		Turns &turns_;
		const std::string caller_;
		boost::asio::steady_timer called_;
		State state_ = State::refused;
	};

	bool empty() const { return lines_.empty(); }

private:
	struct Line {
		size_t under_way = 0;
		std::deque<Turn *> waiting;
	};

	const size_t most_;
	const size_t most_waiting_;
	std::unordered_map<std::string, Line> lines_; // of callers that have something under way
};

} // namespace tokpay
