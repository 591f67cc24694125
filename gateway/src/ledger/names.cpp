#include "ledger/names.hpp"

#include <algorithm>

namespace tokpay {

const char *const names_sql = "select account, display_name from tokpay.gateway_names($1)";

Names::Names(const pg::Result &rows) : rows_(rows) {
	for (int row = 0; row < rows.rows(); row++)
		names_.emplace(rows.int8(row, 0), rows.text(row, 1));
}

std::optional<std::string_view> Names::find(int64_t account) const {
	const auto found = names_.find(account);
	return found == names_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<int64_t> counterparties(const pg::Result &entries) {
	std::vector<int64_t> accounts;
	for (int row = 0; row < entries.rows(); row++)
		if (!entries.is_null(row, 5))
			for (const int64_t account : entries.int8_array(row, 5))
				accounts.push_back(account);
	return distinct(std::move(accounts));
}

std::vector<int64_t> distinct(std::vector<int64_t> accounts) {
	std::ranges::sort(accounts);
	accounts.erase(std::unique(accounts.begin(), accounts.end()), accounts.end());
	return accounts;
}

} // namespace tokpay
