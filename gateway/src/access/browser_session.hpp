// The cookies of a browser that signs in or is signed in, and what its requests have to show.
#pragma once

#include "access/digest.hpp"
#include "access/provider.hpp"
#include "http/http.hpp"

namespace tokpay {

// Names of cookies and how they are set, which follow from what the world calls this service:
// __Host- and Secure over TLS; over plain HTTP, which is for this machine only, a name with the
// port in it, since cookies of all ports of a host share one jar.
class Cookies {
public:
	explicit Cookies(std::string_view public_url);

	const std::string &session() const { return session_; }
	const std::string &sign_in() const { return sign_in_; }

	// The value of a Set-Cookie header.
	std::string set(
		const std::string &name, std::string_view value, std::chrono::seconds lifetime) const;
	std::string remove(const std::string &name) const;

	// The browser keeps nothing of a session that it has ended.
	void forget_session(Response &response) const;

private:
	bool is_secure_;
	std::string session_;
	std::string sign_in_;
};

// 256 random bits as text.
std::string random_token();

// What the database knows of a session's secret, apart from the digests of API keys.
Digest session_digest(std::string_view secret);

// Shows that a page of that session asks for another identity, not a page of somebody else's.
std::string link_token(std::string_view session_secret);

// A sign-in under way, as the browser keeps it in a cookie that its pages cannot read.
struct SignIn {
	std::string provider;
	SignInSecrets secrets;
	std::string return_to;
	std::string link; // a link_token, or empty

	std::string to_text() const;
	static std::optional<SignIn> parse(std::string_view text);
};

// Whether a text is a path of this app that one may return to after signing in: /app and what is
// below it.
bool is_app_path(std::string_view path);

// 403 csrf where a request that changes something does not show that a page of ours sent it: by
// Sec-Fetch-Site, by Origin, and by a header that no other site's page can add.
std::optional<Problem> csrf_problem(const HttpRequest &request, std::string_view public_url);

} // namespace tokpay
