// The header lines that every answer has, whatever it is: of the API, and of the web app's pages.
#pragma once

#include <string>

namespace tokpay {

struct Config;

// With line ends. A browser is told to keep to HTTPS where the world reaches us over it.
std::string security_headers(const Config &config);

// Those of pages and their files: the app's own scripts, styles and requests are let through,
// nothing of anybody else's, and no text becomes HTML or script.
std::string page_headers(const Config &config);

} // namespace tokpay
