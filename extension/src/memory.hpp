// Arrays in palloc'd memory: freed wholesale with their context, never by a destructor.
#pragma once

#include "postgres.hpp"

#include <algorithm>
#include <new>
#include <type_traits>

namespace tokpay {

// count value-initialized elements in the current context.
template<class T> std::span<T> allocate(size_t count) {
	static_assert(std::is_trivially_destructible_v<T>, "palloc'd memory is freed wholesale");
	auto *memory =
		static_cast<T *>(palloc_extended(std::max<size_t>(count, 1) * sizeof(T), MCXT_ALLOC_HUGE));
	for (size_t i = 0; i < count; i++)
		new (memory + i) T();
	return {memory, count};
}

// A growing array in the context it was made in.
template<class T> class Vector {
	static_assert(std::is_trivially_copyable_v<T>, "elements move by memcpy");

public:
	Vector() : context_(CurrentMemoryContext) {}

	void push_back(const T &value) {
		if (size_ == capacity_)
			grow();
		new (memory_ + size_++) T(value);
	}
	void shrink(size_t size) { size_ = size; }

	size_t size() const { return size_; }
	bool empty() const { return size_ == 0; }
	T &operator[](size_t i) { return memory_[i]; }
	T &back() { return memory_[size_ - 1]; }
	std::span<T> all() { return {memory_, size_}; }

private:
	void grow() {
		const size_t capacity = std::max<size_t>(16, 2 * capacity_);
		auto *memory = static_cast<T *>(
			MemoryContextAllocExtended(context_, capacity * sizeof(T), MCXT_ALLOC_HUGE));
		if (memory_ != nullptr) {
			memcpy(static_cast<void *>(memory), memory_, size_ * sizeof(T));
			pfree(memory_);
		}
		memory_ = memory;
		capacity_ = capacity;
	}

	MemoryContext context_;
	T *memory_ = nullptr;
	size_t size_ = 0;
	size_t capacity_ = 0;
};

} // namespace tokpay
