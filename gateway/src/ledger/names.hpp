// What the people behind accounts are called.
#pragma once

#include "ledger/pg_binary.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tokpay {

extern const char *const names_sql; // $1 accounts

class Names {
public:
	Names() = default;

	// Of a result of names_sql.
	explicit Names(const pg::Result &rows);

	// Nothing for an account that is no wallet.
	std::optional<std::string_view> find(int64_t account) const;

private:
	pg::Result rows_; // which the names are views of
	std::unordered_map<int64_t, std::string_view> names_;
};

// The accounts in the counterparties of entries, each once. The rows have the entry_columns of
// documents.hpp.
std::vector<int64_t> counterparties(const pg::Result &entries);

// The same accounts in ascending order, each once.
std::vector<int64_t> distinct(std::vector<int64_t> accounts);

} // namespace tokpay
