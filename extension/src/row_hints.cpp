#include "row_hints.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace tokpay {

constexpr int min_bits = 10;
constexpr int max_bits = 23;
constexpr uint64 ids_per_block = 128;
constexpr BlockNumber min_blocks = 1024;

namespace {

// calloc and not palloc: the pages of a large table are zero without being touched, so that a
// connection of one call does not pay for all of it.
template<class T> T *allocate_zeroed(size_t count) {
	auto *memory = static_cast<T *>(calloc(count, sizeof(T)));
	if (memory == nullptr)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return memory;
}

} // namespace

// Growing forgets too: the rows are learned again a block at a time.
void RowHints::fit(Relation heap, BlockNumber blocks) {
	const int wanted = std::bit_width(static_cast<uint64>(blocks) * ids_per_block);
	const int bits = std::clamp(wanted, min_bits, max_bits);
	if (file_ == heap->rd_rel->relfilenode && blocks <= block_capacity_ && 64 - bits >= shift_)
		return;
	const int new_shift = std::min(shift_, 64 - bits);
	const BlockNumber new_capacity = std::max({block_capacity_, min_blocks, std::bit_ceil(blocks)});
	auto *new_ids = allocate_zeroed<uint32>(size_t{1} << (64 - new_shift));
	free(ids_);
	ids_ = new_ids;
	shift_ = new_shift;
	free(blocks_);
	blocks_ = nullptr;
	block_capacity_ = 0;
	blocks_ = allocate_zeroed<Block>(new_capacity);
	block_capacity_ = new_capacity;
	file_ = heap->rd_rel->relfilenode;
}

} // namespace tokpay
