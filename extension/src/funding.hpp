// The accounts that money comes from: one per currency, named funding/<code>.
#pragma once

#include "account.hpp"

#include <optional>

namespace tokpay {

// The funding account of the account's currency; none where there is no such account. Under the
// active snapshot.
std::optional<int64> funding_account(int64 account);

} // namespace tokpay
