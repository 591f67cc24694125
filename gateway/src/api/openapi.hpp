// The description of the API (OpenAPI 3.1), made of gateway/openapi.json by the build.
#pragma once

#include <string_view>

namespace tokpay {

std::string_view openapi_document();

// The version that it describes, which is the program's.
std::string_view api_version();

} // namespace tokpay
