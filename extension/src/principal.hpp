// For whom the gateway asks: which accounts a caller reaches.
#pragma once

#include "index_search.hpp"
#include "memory.hpp"

#include <string_view>

namespace tokpay {

enum class Reach : uint8_t {
	yes,
	no,
	ended, // the credential itself is no longer valid
};

// Answers for the principals of one call, under one snapshot that the caller keeps active. A
// principal is null (every account), "key:<id>" (the accounts of that API key while it is valid)
// or "owner:<owner>" (the accounts with that owner); any other reaches nothing.
class Principals {
public:
	explicit Principals(Snapshot snapshot) : snapshot_(snapshot) {}

	Reach reach(text *principal, int64 account);
	bool reaches(text *principal, int64 account) {
		return principal == nullptr || reach(principal, account) == Reach::yes;
	}
	void end();

private:
	struct ApiKey {
		int64 id;
		bool valid;
		bool unlimited;
		std::span<const int64> accounts; // ascending
	};

	Reach reach_of_key(std::string_view id, int64 account);
	ApiKey read_key(int64 id);
	bool is_owner(std::string_view owner, int64 account);

	MemoryContext context_ = CurrentMemoryContext; // of all that is kept from call to call
	Snapshot snapshot_;
	Vector<ApiKey> keys_; // those met so far: few, since most callers have no list
	// Opened when they are needed.
	Relation infos_ = nullptr;
	TupleTableSlot *info_ = nullptr;
	IndexSearch *owners_ = nullptr;
};

} // namespace tokpay
