// Times as text (RFC 3339), in microseconds since 2000-01-01 UTC as PostgreSQL counts them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tokpay {

// "2026-01-31T23:59:59.123456Z" or with an offset such as +01:00; nothing for any other text.
// Digits beyond microseconds are cut off.
std::optional<int64_t> parse_time(std::string_view text);

} // namespace tokpay
