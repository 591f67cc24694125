// The epoch of a reply: which leader it comes from. Later ones are greater.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tokpay {

struct Epoch {
	int64_t incarnation = 0; // of the ledger: a restore or a forced leader begins a new one
	int32_t timeline = 0;	 // PostgreSQL's: a promotion begins a new one
	int64_t counter = 0;

	auto operator<=>(const Epoch &) const = default;
};

// "1.4.2", as tokpay.epoch() and the header TokPay-Epoch have it.
std::string to_text(const Epoch &epoch);

// Nothing where the text is no epoch.
std::optional<Epoch> parse_epoch(std::string_view text);

} // namespace tokpay
