// What media types a client wants.
#pragma once

#include "http/http.hpp"

namespace tokpay {

// The weight of a media range among a request's Accept headers, 0 to 1 (RFC 9110, section 12.5.1),
// parameters of the type aside; nothing where they do not have the range.
std::optional<double> accepted_weight(const HttpRequest &request, std::string_view range);

} // namespace tokpay
