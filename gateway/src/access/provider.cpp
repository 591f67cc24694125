#include "access/provider.hpp"

#include "access/base64url.hpp"
#include "access/digest.hpp"
#include "process/log.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <openssl/evp.h>

#include <ctime>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

std::string encoded(std::string_view text) {
	return boost::urls::encode({text.data(), text.size()}, boost::urls::unreserved_chars);
}

// Adds parameters to a URL that may have some, or begins a form where the text is empty.
class Query {
public:
	explicit Query(std::string url) : text_(std::move(url)) {}

	Query &add(std::string_view name, std::string_view value) {
		if (!text_.empty())
			text_ += is_url_ && text_.find('?') == std::string::npos ? '?' : '&';
		text_.append(name).append("=").append(encoded(value));
		return *this;
	}
	const std::string &text() const { return text_; }

private:
	std::string text_;
	bool is_url_ = !text_.empty();
};

// Basic authentication of a client (RFC 6749, section 2.3.1).
std::string basic(std::string_view id, std::string_view secret) {
	const std::string pair = encoded(id) + ':' + encoded(secret);
	std::vector<unsigned char> text((pair.size() + 2) / 3 * 4 + 1); // with the NUL that it appends
	const int size = EVP_EncodeBlock(text.data(),
		reinterpret_cast<const unsigned char *>(pair.data()), static_cast<int>(pair.size()));
	return "Basic " + std::string(text.begin(), text.begin() + size);
}

std::optional<json::Document> parse_object(const std::string &text) {
	std::string why;
	auto document = json::Document::parse(text, &why);
	if (document && (*document)[0].type != json::Type::object)
		document.reset();
	return document;
}

bool is_for_browsers(const std::string &url) {
	const auto address = parse_web_address(url);
	return address && (address->tls || address->is_loopback());
}

Problem token_invalid(const std::string &why) {
	return {400, "token_invalid",
		"What the provider has answered is not valid: " + why + ". Sign in again."};
}

} // namespace

Provider::Provider(asio::io_context &io, const ProviderConfig &config)
	: config_(config), issuer_(io, config.issuer), answered_(io) {}

// The first of many that are alike.
void Provider::log_failure(const std::string &why) {
	const auto now = KeyRing::Clock::now();
	if (next_log_ && now < *next_log_)
		return;
	next_log_ = now + pause_after_failure;
	log_message("provider " + config_.name + ": " + why);
}

Problem Provider::unavailable() const {
	return {.status = 503,
		.code = "provider_unavailable",
		.detail = config_.label + " cannot be reached at present. Try again in a moment.",
		.headers = {{"Retry-After", "5"}}};
}

// One asks for all, and only now and then: requests of anybody lead here.
asio::awaitable<bool> Provider::have_document() {
	if (asking_ && !document_) {
		co_await answered_.async_wait(no_throw);
		co_return document_.has_value();
	}
	if (asking_ || (next_ask_ && KeyRing::Clock::now() < *next_ask_))
		co_return document_.has_value();
	asking_ = true;
	answered_.expires_after(max_wait);
	std::string why;
	auto document = co_await issuer_.discover(&why);
	if (document) {
		document_ = std::move(document);
		next_ask_ = KeyRing::Clock::now() + document_kept_for;
	} else {
		next_ask_ = KeyRing::Clock::now() + pause_after_failure;
		log_message("provider " + config_.name + ": " + why);
	}
	asking_ = false;
	answered_.cancel();
	co_return document_.has_value();
}

std::string Provider::endpoint(const char *name) const {
	return std::string(string_claim(*document_, name).value_or(""));
}

asio::awaitable<std::optional<std::string>> Provider::authorization_url(
	const SignInSecrets &secrets, const std::string &redirect_uri) {
	if (!co_await have_document())
		co_return std::nullopt;
	std::string url = endpoint("authorization_endpoint");
	if (!is_for_browsers(url))
		co_return std::nullopt;
	const Digest challenge = sha256(secrets.verifier);
	co_return Query(std::move(url))
		.add("client_id", config_.issuer.rules.audience)
		.add("redirect_uri", redirect_uri)
		.add("response_type", "code")
		.add("scope", "openid email profile")
		.add("state", secrets.state)
		.add("nonce", secrets.nonce)
		.add("code_challenge", encode_base64url(octets(challenge)))
		.add("code_challenge_method", "S256")
		.text();
}

asio::awaitable<bool> Provider::names_itself() {
	if (!co_await have_document())
		co_return false;
	const auto claim = boolean_claim(*document_, "authorization_response_iss_parameter_supported");
	co_return claim.value_or(false);
}

asio::awaitable<Result<Identity>> Provider::redeem(const std::string &code,
	const SignInSecrets &secrets, const std::string &redirect_uri,
	KeyRing::Clock::time_point deadline) {
	if (redeeming_ >= max_redeeming)
		co_return unavailable();
	redeeming_++;
	auto identity = co_await ask_for_tokens(code, secrets, redirect_uri, deadline);
	redeeming_--;
	co_return identity;
}

asio::awaitable<Result<Identity>> Provider::ask_for_tokens(const std::string &code,
	const SignInSecrets &secrets, const std::string &redirect_uri,
	KeyRing::Clock::time_point deadline) {
	if (!co_await have_document())
		co_return unavailable();
	WebRequest request{.authorization = basic(config_.issuer.rules.audience, config_.client_secret),
		.form = Query("")
					.add("grant_type", "authorization_code")
					.add("code", code)
					.add("redirect_uri", redirect_uri)
					.add("code_verifier", secrets.verifier)
					.text()};
	std::string why;
	const std::string url = endpoint("token_endpoint");
	const auto answer = co_await issuer_.ask(url, request, &why);
	if (!answer && why.ends_with("it answered 400"))
		co_return token_invalid("it does not know this code any more");
	if (!answer) {
		log_failure(why);
		co_return unavailable();
	}
	const auto tokens = parse_object(*answer);
	const auto id_token = tokens ? string_claim(*tokens, "id_token") : std::nullopt;
	if (!id_token)
		co_return token_invalid("there is no ID token");
	const auto token = jose::parse_token(*id_token, &why);
	if (!token)
		co_return token_invalid("its ID token: " + why);
	const IdTokenRules rules{
		config_.issuer.rules.issuer, config_.issuer.rules.audience, secrets.nonce};
	auto identity = read_id_token(*token, rules, std::time(nullptr), &why);
	if (!identity)
		co_return token_invalid("its ID token: " + why);
	const auto problem = co_await issuer_.check_signature(*token, deadline);
	if (problem && problem->status == 503)
		co_return unavailable();
	if (problem)
		co_return token_invalid("the signature of its ID token");
	const std::string access_token(string_claim(*tokens, "access_token").value_or(""));
	if (identity->email.empty() && !access_token.empty())
		co_await ask_userinfo(access_token, *identity);
	co_return std::move(*identity);
}

// OpenID Connect Core 1.0, section 5.3; false where it tells nothing of this subject.
asio::awaitable<bool> Provider::ask_userinfo(const std::string &token, Identity &identity) {
	const std::string url = endpoint("userinfo_endpoint");
	if (url.empty())
		co_return false;
	const WebRequest request{.authorization = "Bearer " + token};
	std::string why;
	const auto answer = co_await issuer_.ask(url, request, &why);
	const auto claims = answer ? parse_object(*answer) : std::nullopt;
	if (!claims || string_claim(*claims, "sub") != identity.subject)
		co_return false;
	read_description(*claims, identity);
	co_return true;
}

asio::awaitable<std::string> Provider::end_session_url(const std::string &return_uri) {
	if (!co_await have_document())
		co_return "";
	std::string url = endpoint("end_session_endpoint");
	if (!is_for_browsers(url))
		co_return "";
	co_return Query(std::move(url))
		.add("client_id", config_.issuer.rules.audience)
		.add("post_logout_redirect_uri", return_uri)
		.text();
}

} // namespace tokpay
