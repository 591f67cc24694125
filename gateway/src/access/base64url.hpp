// Base64url without padding, as JOSE writes it (RFC 4648, section 5; RFC 7515, appendix C).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tokpay {

// Nothing where the text has another character, an impossible length, or bits left over that are
// not zero: every octet string has one text only.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view octets);

} // namespace tokpay
