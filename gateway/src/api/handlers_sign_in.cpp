#include "api/handlers.hpp"

#include "http/accept.hpp"
#include "http/client_address.hpp"
#include "http/cookie.hpp"
#include "process/provider_setting.hpp"
#include "text/json_writer.hpp"

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

// Between the click on "sign in" and the return from the provider.
constexpr std::chrono::minutes sign_in_lifetime{10};
constexpr std::string_view default_page = "/app";
constexpr size_t max_user_agent_bytes = 300;

Provider *find_provider(Worker &worker, std::string_view name) {
	const auto found = std::ranges::find_if(
		worker.providers, [&](const Provider &provider) { return provider.config().name == name; });
	return found == worker.providers.end() ? nullptr : &*found;
}

std::string redirect_uri(const Exchange &exchange, const Provider &provider) {
	return exchange.worker.config.public_url + "/auth/callback/" + provider.config().name;
}

Response redirect(std::string url) {
	Response response{.status = 303, .content_type = "text/plain"};
	response.headers.emplace_back("Location", std::move(url));
	return response;
}

// The caller by its session's cookie, null where there is no session; 429 and 503 where that cannot
// be found out.
asio::awaitable<Result<CallerPtr>> session_of(Exchange &exchange) {
	if (exchange.worker.authenticator.session_secret(exchange.request).empty())
		co_return CallerPtr();
	const auto caller =
		co_await exchange.worker.authenticator.authenticate(exchange.request, exchange.deadline);
	if (!caller && caller.error().status != 401)
		co_return caller.error();
	co_return caller && (*caller)->has_session ? *caller : CallerPtr();
}

// Whether a page of the caller's session has asked for the link that a sign-in carries. The session
// has to be fresh: one that was stolen leaves nothing behind that outlives it.
bool may_link(const Exchange &exchange, const CallerPtr &caller, const SignIn &sign_in) {
	const auto secret = exchange.worker.authenticator.session_secret(exchange.request);
	return caller != nullptr && caller->is_fresh && same(sign_in.link, link_token(secret));
}

Problem wrong_link() {
	return {400, "wrong_link",
		"The session that has asked for this is over, or began more than five minutes ago. Sign in "
		"and try again."};
}

// What the callback has to answer to be the end of that sign-in: nothing, or what is wrong.
std::optional<Problem> check_answer(
	const Parameters &given, const SignIn &sign_in, const Provider &provider, bool names_itself) {
	const auto parameter = [&](const char *name) {
		const auto found = given.find(name);
		return found == given.end() ? std::string_view() : std::string_view(found->second);
	};
	if (sign_in.provider != provider.config().name ||
		!same(parameter("state"), sign_in.secrets.state))
		return Problem{400, "state_mismatch",
			"This answer belongs to another sign-in. Begin once more, in this window."};
	const std::string_view issuer = parameter("iss");
	if (issuer.empty() ? names_itself : issuer != provider.config().issuer.rules.issuer)
		return Problem{
			400, "issuer_mismatch", "This answer is of another provider. Begin once more."};
	if (parameter("error") == "access_denied")
		return Problem{400, "sign_in_cancelled", "The sign-in was cancelled."};
	if (!parameter("error").empty() || parameter("code").empty())
		return Problem{400, "provider_refused",
			provider.config().label + " did not sign you in. Begin once more."};
	return std::nullopt;
}

struct WalletUser {
	int64_t id;
};

// The user who has signed in, after this in the database.
asio::awaitable<Result<WalletUser>> register_user(
	Exchange &exchange, const ProviderConfig &provider, const Identity &identity) {
	const WalletConfig &wallets = exchange.worker.config.wallets;
	const auto user = co_await run_statement(exchange,
		"select tokpay.register_wallet($1, $2, $3, $4, $5, $6, $7, $8)", Repeat::yes,
		pg::text(provider.issuer.rules.issuer), pg::text(identity.subject),
		pg::text(identity.email), pg::boolean(identity.email_verified),
		pg::boolean(is_authoritative(provider, identity.email)), pg::text(identity.name),
		pg::text(wallets.currency), pg::int8(wallets.welcome_credit));
	if (!user)
		co_return user.error();
	co_return WalletUser{user->int8(0, 0)};
}

asio::awaitable<Result<WalletUser>> link_user(
	Exchange &exchange, int64_t user, const ProviderConfig &provider, const Identity &identity) {
	const auto linked = co_await run_statement(exchange,
		"select tokpay.gateway_link_identity($1, $2, $3, $4, $5, $6)", Repeat::yes, pg::int8(user),
		pg::text(provider.issuer.rules.issuer), pg::text(identity.subject),
		pg::text(identity.email), pg::boolean(identity.email_verified),
		pg::boolean(is_authoritative(provider, identity.email)));
	if (!linked)
		co_return linked.error();
	co_return WalletUser{user};
}

// What the browser calls itself, so that people know their sessions apart.
std::string user_agent(const HttpRequest &request) {
	std::string text(request.header("User-Agent").value_or("").substr(0, max_user_agent_bytes));
	std::ranges::replace_if(
		text, [](char c) { return c < ' ' || c > '~'; }, '?');
	return text;
}

// The Set-Cookie header of a session that begins now, in place of the browser's present one.
asio::awaitable<Result<std::string>> begin_session(
	Exchange &exchange, int64_t user, const ProviderConfig &provider) {
	const WalletConfig &wallets = exchange.worker.config.wallets;
	const std::string secret = random_token();
	const Digest digest = session_digest(secret);
	const auto present = exchange.worker.authenticator.session_secret(exchange.request);
	std::optional<std::string> replaced;
	if (!present.empty())
		replaced = std::string(octets(session_digest(present)));
	const auto begun = co_await run_statement(exchange,
		"select tokpay.gateway_begin_session($1, $2, $3, $4, $5, $6, $7)", Repeat::yes,
		pg::int8(user), pg::text(provider.issuer.rules.issuer),
		pg::bytea(std::string(octets(digest))), pg::text(user_agent(exchange.request)),
		pg::int4(static_cast<int32_t>(wallets.session_idle.count())),
		pg::int4(static_cast<int32_t>(wallets.session_max.count())), pg::bytea(replaced));
	if (!begun)
		co_return begun.error();
	const Cookies cookies(exchange.worker.config.public_url);
	co_return cookies.set(cookies.session(), secret, wallets.session_max);
}

// The rest of a sign-in once the browser has come back: the page to go on with, and its cookie.
asio::awaitable<Result<Response>> finish(
	Exchange &exchange, Provider &provider, const SignIn &sign_in, const Parameters &given) {
	if (auto problem = check_answer(given, sign_in, provider, false))
		co_return std::move(*problem);
	const bool names_itself = co_await provider.names_itself();
	if (auto problem = check_answer(given, sign_in, provider, names_itself))
		co_return std::move(*problem);
	const auto present = co_await session_of(exchange);
	if (!present)
		co_return present.error();
	if (!sign_in.link.empty() && !may_link(exchange, *present, sign_in))
		co_return wrong_link();
	const std::string code = given.at("code");
	const std::string uri = redirect_uri(exchange, provider);
	const auto identity = co_await provider.redeem(code, sign_in.secrets, uri, exchange.deadline);
	if (!identity)
		co_return identity.error();
	Response response = redirect(sign_in.return_to);
	if (!sign_in.link.empty()) {
		const auto linked =
			co_await link_user(exchange, (*present)->session->user, provider.config(), *identity);
		if (!linked)
			co_return linked.error();
		co_return response;
	}
	const auto user = co_await register_user(exchange, provider.config(), *identity);
	if (!user)
		co_return user.error();
	const auto cookie = co_await begin_session(exchange, user->id, provider.config());
	if (!cookie)
		co_return cookie.error();
	response.headers.emplace_back("Set-Cookie", *cookie);
	co_return response;
}

Reply begin_sign_in(Exchange &exchange) {
	// Others are ignored, and no word of them is repeated: anybody can write such a link.
	const auto given = parameters(exchange.request);
	if (!given)
		co_return given.error();
	Worker &worker = exchange.worker;
	const auto named = given->find("provider");
	Provider *const provider = named != given->end()		  ? find_provider(worker, named->second)
							   : worker.providers.size() == 1 ? &worker.providers.front()
															  : nullptr;
	if (provider == nullptr)
		co_return not_found("There is no such provider to sign in with; /v1/config lists them.");
	const auto wanted = given->find("return_to");
	SignIn sign_in{.provider = provider->config().name,
		.secrets = {random_token(), random_token(), random_token()},
		.return_to = std::string(default_page),
		.link = {}};
	if (wanted != given->end())
		sign_in.return_to = wanted->second;
	if (!is_app_path(sign_in.return_to))
		co_return wrong_parameter("return_to", "is a path of this app, as /app/pay");
	if (const auto link = given->find("link"); link != given->end()) {
		sign_in.link = link->second;
		const auto present = co_await session_of(exchange);
		if (!present)
			co_return present.error();
		if (!may_link(exchange, *present, sign_in))
			co_return wrong_link();
	}
	const std::string uri = redirect_uri(exchange, *provider);
	const auto url = co_await provider->authorization_url(sign_in.secrets, uri);
	if (!url)
		co_return Problem{.status = 503,
			.code = "provider_unavailable",
			.detail =
				provider->config().label + " cannot be reached at present. Try again in a moment.",
			.headers = {{"Retry-After", "5"}}};
	const Cookies cookies(worker.config.public_url);
	Response response = redirect(*url);
	response.headers.emplace_back(
		"Set-Cookie", cookies.set(cookies.sign_in(), sign_in.to_text(), sign_in_lifetime));
	co_return response;
}

Reply end_sign_in(Exchange &exchange) {
	Worker &worker = exchange.worker;
	Provider *const provider = find_provider(worker, exchange.part);
	if (provider == nullptr)
		co_return not_found("There is no such provider.");
	const auto given = parameters(exchange.request); // RFC 6749, section 4.1.2: others are ignored
	if (!given)
		co_return given.error();
	const Cookies cookies(worker.config.public_url);
	// Codes have us ask the provider, made-up ones, too; a client may do that so often.
	const std::string tries =
		"failed:" + client_identity(client_of(exchange.request, worker.config.trusted_proxies));
	const Quota &quota = worker.config.failed_credential_quota;
	if (const auto left = worker.limiter.take(tries, quota, Clock::now()); !left.granted)
		co_return rate_limited(quota, left);
	std::optional<SignIn> sign_in;
	if (exchange.request.count("Cookie") == 1)
		sign_in = SignIn::parse(
			find_cookie(*exchange.request.header("Cookie"), cookies.sign_in()).value_or(""));
	exchange.headers.emplace_back("Set-Cookie", cookies.remove(cookies.sign_in()));
	if (!sign_in)
		co_return Problem{400, "sign_in_expired",
			"This sign-in has taken too long, or began in another browser. Begin once more."};
	co_return co_await finish(exchange, *provider, *sign_in, *given);
}

// Browsers navigate here: what goes wrong is told them on a page.
Reply answer_on_a_page(Exchange &exchange, Handler handler) {
	auto answer = co_await handler(exchange);
	if (answer || accepted_weight(exchange.request, "text/html").value_or(0) == 0)
		co_return answer;
	co_return co_await failure_page(exchange, answer.error());
}

} // namespace

Reply get_login(Exchange &exchange) {
	return answer_on_a_page(exchange, begin_sign_in);
}

Reply get_callback(Exchange &exchange) {
	return answer_on_a_page(exchange, end_sign_in);
}

Reply get_session(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const auto caller = co_await session_of(exchange);
	if (!caller)
		co_return caller.error();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.member("signed_in", *caller != nullptr);
	out.end_object();
	co_return response;
}

Reply post_logout(Exchange &exchange) {
	const BrowserSession session = *exchange.caller->session;
	const auto issuer = co_await run_statement(exchange,
		"select s.issuer from tokpay.gateway_sessions($1) s where s.id = $2", Repeat::yes,
		pg::int8(session.user), pg::int8(session.id));
	if (!issuer)
		co_return issuer.error();
	const auto ended = co_await run_statement(exchange, "select tokpay.gateway_end_session($1, $2)",
		Repeat::yes, pg::int8(session.user), pg::int8(session.id));
	if (!ended)
		co_return ended.error();
	std::string url = exchange.worker.config.public_url + '/';
	for (Provider &provider : exchange.worker.providers)
		if (issuer->rows() > 0 && provider.config().issuer.rules.issuer == issuer->text(0, 0)) {
			const std::string elsewhere = co_await provider.end_session_url(url);
			if (!elsewhere.empty())
				url = elsewhere;
		}
	const Cookies cookies(exchange.worker.config.public_url);
	Response response;
	cookies.forget_session(response);
	json::Writer out(response.body);
	out.begin_object();
	out.member("redirect", url);
	out.end_object();
	co_return response;
}

} // namespace tokpay
