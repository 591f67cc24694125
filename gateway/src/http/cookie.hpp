// The Cookie header of a browser (RFC 6265).
#pragma once

#include <optional>
#include <string_view>

namespace tokpay {

// The value of a cookie. Nothing where it is missing, or comes twice: of two cookies with one name
// nobody can tell which one a neighbouring site has planted. Nor where the value has characters
// that no value has.
std::optional<std::string_view> find_cookie(std::string_view header, std::string_view name);

} // namespace tokpay
