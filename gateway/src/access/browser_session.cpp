#include "access/browser_session.hpp"

#include "access/base64url.hpp"
#include "http/web_address.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace tokpay {

namespace {

constexpr size_t max_return_bytes = 2000;
constexpr std::string_view page_header = "TokPay-Client";

Digest digest_of(std::string_view purpose, std::string_view secret) {
	return sha256(std::string(purpose).append("\n").append(secret)); // which no header can have
}

} // namespace

Cookies::Cookies(std::string_view public_url) : is_secure_(public_url.starts_with("https://")) {
	const auto address = parse_web_address(public_url);
	const std::string port = address ? std::to_string(address->port) : "";
	session_ = is_secure_ ? "__Host-tokpay" : "tokpay-" + port;
	sign_in_ = is_secure_ ? "__Host-tokpay-sign-in" : "tokpay-sign-in-" + port;
}

std::string Cookies::set(
	const std::string &name, std::string_view value, std::chrono::seconds lifetime) const {
	return name + '=' + std::string(value) +
		   "; Path=/; HttpOnly; SameSite=Lax; Max-Age=" + std::to_string(lifetime.count()) +
		   (is_secure_ ? "; Secure" : "");
}

std::string Cookies::remove(const std::string &name) const {
	return set(name, "", std::chrono::seconds(0));
}

void Cookies::forget_session(Response &response) const {
	response.headers.emplace_back("Set-Cookie", remove(session_));
	response.headers.emplace_back("Clear-Site-Data", "\"cache\", \"storage\"");
}

std::string random_token() {
	std::array<unsigned char, 32> bytes;
	if (RAND_bytes(bytes.data(), bytes.size()) != 1)
		throw std::runtime_error("there are no random numbers");
	return encode_base64url({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

Digest session_digest(std::string_view secret) {
	return digest_of("session", secret);
}

std::string link_token(std::string_view session_secret) {
	const Digest digest = digest_of("link", session_secret);
	return encode_base64url(octets(digest));
}

std::string SignIn::to_text() const {
	std::string text;
	for (const std::string *part :
		{&provider, &secrets.state, &secrets.nonce, &secrets.verifier, &return_to, &link})
		text.append(text.empty() ? "" : ".").append(encode_base64url(*part));
	return text;
}

std::optional<SignIn> SignIn::parse(std::string_view text) {
	SignIn found;
	std::string *const parts[] = {&found.provider, &found.secrets.state, &found.secrets.nonce,
		&found.secrets.verifier, &found.return_to, &found.link};
	for (std::string *part : parts) {
		const size_t end = std::min(text.find('.'), text.size());
		if ((part == std::end(parts)[-1]) != (end == text.size()))
			return std::nullopt;
		auto decoded = decode_base64url(text.substr(0, end));
		if (!decoded)
			return std::nullopt;
		*part = std::move(*decoded);
		text.remove_prefix(std::min(end + 1, text.size()));
	}
	if (found.secrets.state.empty() || !is_app_path(found.return_to))
		return std::nullopt;
	return found;
}

bool is_app_path(std::string_view path) {
	constexpr std::string_view app = "/app";
	return path.starts_with(app) && path.size() <= max_return_bytes &&
		   (path.size() == app.size() || path[app.size()] == '/' || path[app.size()] == '?') &&
		   path.find("..") == std::string_view::npos &&
		   path.find("%2e") == std::string_view::npos &&
		   path.find("%2E") == std::string_view::npos &&
		   std::ranges::all_of(path, [](char c) { return '!' <= c && c <= '~' && c != '\\'; });
}

std::optional<Problem> csrf_problem(const HttpRequest &request, std::string_view public_url) {
	const auto no = [](const char *detail) { return Problem{403, "csrf", detail}; };
	if (request.method == "GET" || request.method == "HEAD")
		return std::nullopt;
	const auto site = request.header("Sec-Fetch-Site");
	if (site && *site != "same-origin")
		return no("The request comes from a page of another site.");
	const auto origin = request.header("Origin");
	if (origin && *origin != public_url)
		return no("The request comes from a page of another origin.");
	if (!site && !origin)
		return no("The request does not say which page it comes from (Origin).");
	if (request.header(page_header).value_or("").empty())
		return no("With a session's cookie a request that changes something needs the header "
				  "TokPay-Client.");
	return std::nullopt;
}

} // namespace tokpay
