#include "http/conditional.hpp"

#include "text/text_hash.hpp"

namespace tokpay {

namespace {

// Whether a list of tags has this one. Weak ones count where weak is true: then bodies need not be
// the same byte for byte.
bool lists(std::string_view condition, std::string_view tag, bool weak) {
	if (condition == "*")
		return true;
	for (size_t at = condition.find(tag); at != std::string_view::npos;
		 at = condition.find(tag, at + tag.size())) {
		const bool is_weak = at >= 2 && condition.substr(at - 2, 2) == "W/";
		if (weak || !is_weak)
			return true;
	}
	return false;
}

} // namespace

std::string etag(std::string_view body) {
	return '"' + text_hash(body) + '"';
}

Response conditional(const HttpRequest &request, std::string body) {
	Response response{.body = std::move(body)};
	std::string tag = etag(response.body);
	if (has_already(request, tag)) {
		response.status = 304;
		response.body.clear();
	}
	response.headers.emplace_back("ETag", std::move(tag));
	return response;
}

bool has_already(const HttpRequest &request, std::string_view tag) {
	return lists(request.header("If-None-Match").value_or(""), tag, true);
}

bool meets_if_match(const HttpRequest &request, std::string_view body) {
	const auto condition = request.header("If-Match");
	return !condition || lists(*condition, etag(body), false);
}

Problem precondition_failed() {
	return {412, "precondition_failed", "This has changed since it was read; read it again."};
}

} // namespace tokpay
