// Entity tags: a body that the client has already, and a change that it made up its mind about
// before somebody else's (RFC 9110, section 13).
#pragma once

#include "http/http.hpp"

namespace tokpay {

std::string etag(std::string_view body);

// A body with its ETag, or 304 where If-None-Match has it.
Response conditional(const HttpRequest &request, std::string body);

// Whether If-None-Match has this tag: the client has the body already.
bool has_already(const HttpRequest &request, std::string_view tag);

// Whether If-Match is missing or has the tag of this body.
bool meets_if_match(const HttpRequest &request, std::string_view body);

Problem precondition_failed();

} // namespace tokpay
