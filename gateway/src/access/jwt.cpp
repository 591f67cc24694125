#include "access/jwt.hpp"

#include "access/base64url.hpp"

#include <algorithm>

namespace tokpay::jose {

namespace {

constexpr size_t max_token_bytes = 8192;

// A JSON object in base64url.
std::optional<json::Document> parse_part(
	std::string_view text, const char *name, std::string *why) {
	const auto octets = decode_base64url(text);
	if (!octets) {
		*why = std::string("its ") + name + " is not base64url";
		return std::nullopt;
	}
	std::string fault;
	auto document = json::Document::parse(*octets, &fault);
	if (document && (*document)[0].type == json::Type::object)
		return document;
	*why = std::string("its ") + name + " is no JSON object";
	if (!document)
		*why += ": " + fault;
	return std::nullopt;
}

// A member that is a string, or is not there; false where it is of another type.
bool read_text(const json::Document &header, const char *name, std::optional<std::string> *text) {
	const auto index = header.member(0, name);
	if (!index)
		return true;
	*text = header[*index].text;
	return header[*index].type == json::Type::string;
}

} // namespace

std::optional<Token> parse_token(std::string_view text, std::string *why) {
	const auto no = [&](std::string reason) {
		*why = std::move(reason);
		return std::nullopt;
	};
	if (text.size() > max_token_bytes)
		return no("it has more than 8 KiB");
	const size_t first = text.find('.');
	const size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
	if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos)
		return no("it has not three parts");

	const auto header = parse_part(text.substr(0, first), "header", why);
	if (!header)
		return std::nullopt;
	std::optional<std::string> algorithm;
	std::optional<std::string> type;
	std::optional<std::string> key_id;
	if (!read_text(*header, "alg", &algorithm) || !read_text(*header, "typ", &type) ||
		!read_text(*header, "kid", &key_id))
		return no("alg, typ and kid of its header are strings");
	const auto known = algorithm_of(algorithm.value_or("none"));
	if (!known)
		return no("its algorithm is not RS256, PS256, ES256 or EdDSA");
	if (header->member(0, "crit"))
		return no("its header demands an extension");

	auto claims = parse_part(text.substr(first + 1, second - first - 1), "payload", why);
	if (!claims)
		return std::nullopt;
	auto signature = decode_base64url(text.substr(second + 1));
	if (!signature || signature->empty())
		return no("its signature is not base64url");
	Token token{.algorithm = *known,
		.key_id = std::move(key_id),
		.type = type.value_or(""),
		.claims = std::move(*claims),
		.signed_text = std::string(text.substr(0, second)),
		.signature = std::move(*signature)};
	std::ranges::transform(token.type, token.type.begin(),
		[](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
	return token;
}

} // namespace tokpay::jose
