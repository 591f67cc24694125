// Where rows were found last: a bounded table from a row's id to the root of its HOT chain, and
// from a block to its buffer.
#pragma once

#include "postgres.hpp"

namespace tokpay {

// A hint may be wrong in every way: whoever follows one checks the id in the row it finds, and a
// miss costs one look in the index. Ids are direct-mapped, 4 bytes each; one table a backend.
class RowHints {
public:
	// Makes room for a table of its present size: 128 ids a block, 32 MiB at most, and 8 bytes a
	// block. Forgets everything where the table was written anew.
	void fit(Relation heap, BlockNumber blocks);

	// False where nothing is known of the id.
	bool find(int64 id, ItemPointer tid) const {
		const uint32 hint = ids_[place(id)];
		ItemPointerSet(tid, hint >> offset_bits, hint & max_offset);
		return hint != 0;
	}

	void prefetch(int64 id) const { __builtin_prefetch(&ids_[place(id)]); }

	// Keeps what fits into four bytes.
	void remember(int64 id, BlockNumber block, OffsetNumber offset) {
		if (block <= max_block && offset <= max_offset)
			ids_[place(id)] = block << offset_bits | offset;
	}

	// What is known of a block below the number of blocks that fit() was told.
	struct Block {
		Buffer buffer = InvalidBuffer; // where it was read last
		bool learned = false;		   // all its rows were remembered once
	};
	Block &block(BlockNumber number) const { return blocks_[number]; }

private:
	static constexpr int offset_bits = 8;
	static constexpr uint32 max_offset = (1U << offset_bits) - 1;
	static constexpr BlockNumber max_block = (1U << (32 - offset_bits)) - 1;

	// Fibonacci hashing: spreads ids of every stride evenly.
	size_t place(int64 id) const {
		return static_cast<uint64>(id) * UINT64CONST(0x9E3779B97F4A7C15) >> shift_;
	}

	Oid file_ = InvalidOid;
	uint32 *ids_ = nullptr;
	int shift_ = 64;
	Block *blocks_ = nullptr;
	BlockNumber block_capacity_ = 0;
};

} // namespace tokpay
