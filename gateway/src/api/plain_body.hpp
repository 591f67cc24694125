// Reads the bodies that come most often in one pass, where they are plain: texts of printable ASCII
// without escapes, no nulls, no metadata. Of a plain body the complete readers (body_reader.hpp)
// make the same; of any other, right or wrong, nothing comes back, and they decide.
#pragma once

#include "ledger/ledger.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace tokpay::plain {

std::optional<TransferRequest> read_transfer_body(std::string_view body);
std::optional<std::vector<TransferRequest>> read_transfer_batch(std::string_view body);
std::optional<std::vector<int64_t>> read_balances_query(std::string_view body);

} // namespace tokpay::plain
