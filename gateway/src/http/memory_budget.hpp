// Memory that many take from, together no more than there is.
#pragma once

#include <cstddef>
#include <utility>

namespace tokpay {

// Not thread-safe; it outlives its shares.
class MemoryBudget {
public:
	explicit MemoryBudget(size_t bytes) : left_(bytes) {}

	// What one of them has taken; it goes back with it.
	class Share {
	public:
		explicit Share(MemoryBudget &budget) : budget_(budget) {}
		Share(Share &&other) noexcept
			: budget_(other.budget_), bytes_(std::exchange(other.bytes_, 0)) {}
		~Share() { budget_.left_ += bytes_; }
		Share(const Share &) = delete;
		Share &operator=(const Share &) = delete;

		bool can_grow_to(size_t bytes) const {
			return bytes <= bytes_ || bytes - bytes_ <= budget_.left_;
		}

		// Takes what is missing to so many bytes. False where there is not so much left.
		bool grow_to(size_t bytes) {
			if (!can_grow_to(bytes))
				return false;
			if (bytes > bytes_)
				budget_.left_ -= bytes - std::exchange(bytes_, bytes);
			return true;
		}

	private:
		MemoryBudget &budget_;
		size_t bytes_ = 0;
	};

private:
	size_t left_;
};

} // namespace tokpay
