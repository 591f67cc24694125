// The header lines that every answer of the API has, whatever it is.
#pragma once

#include <string>

namespace tokpay {

struct Config;

// With line ends. A browser is told to keep to HTTPS where the world reaches us over it.
std::string security_headers(const Config &config);

} // namespace tokpay
