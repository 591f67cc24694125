#include "access/authenticator.hpp"

#include "http/client_address.hpp"
#include "http/cookie.hpp"
#include "text/same_text.hpp"

#include <cstring>

namespace tokpay {

namespace asio = boost::asio;

namespace {

Problem no_credentials() {
	return {.status = 401,
		.code = "unauthenticated",
		.detail = "Send an API key as \"Authorization: Bearer KEY\", or sign in.",
		.headers = {{"WWW-Authenticate", "Bearer"}}};
}

// The token of "Bearer TOKEN", empty where there is none (RFC 6750).
std::string_view bearer_token(std::string_view authorization) {
	constexpr std::string_view scheme = "bearer ";
	if (authorization.size() <= scheme.size() ||
		!same_text(authorization.substr(0, scheme.size()), scheme))
		return {};
	authorization.remove_prefix(scheme.size());
	return authorization;
}

// API keys are letters, digits and an underscore; a token has two dots.
bool is_api_key(std::string_view token) {
	return token.find('.') == std::string_view::npos;
}

uint64_t index_of(const Digest &digest) {
	uint64_t index = 0;
	std::memcpy(&index, digest.data(), sizeof index);
	return index;
}

void make_owner(Caller &caller, const std::string &owner, const Config &config) {
	caller.top_up = caller.transfer && config.demo_funding;
	caller.identity = "owner:" + owner;
	caller.principal = caller.identity;
	caller.quota = config.write_quota;
	caller.reads_are_free = true;
}

CallerPtr caller_of(const StoredCredential &key, const Config &config) {
	auto caller = std::make_shared<Caller>();
	if (key.user) {
		caller->read = caller->transfer = caller->has_session = true;
		caller->is_fresh = key.is_fresh;
		caller->session = BrowserSession{key.id, *key.user};
		make_owner(*caller, key.owner, config);
		return caller;
	}
	for (const std::string &scope : key.scopes) {
		caller->admin |= scope == "admin";
		caller->read |= scope == "read" || scope == "admin";
		caller->transfer |= scope == "transfer" || scope == "admin";
		caller->fund |= scope == "fund" || scope == "admin";
	}
	caller->top_up = caller->fund;
	caller->identity = "key:" + std::to_string(key.id);
	if (key.has_list)
		caller->principal = caller->identity;
	if (key.requests_per_second)
		caller->quota = Quota{
			"requests", static_cast<uint32_t>(*key.requests_per_second), std::chrono::seconds(1)};
	return caller;
}

CallerPtr caller_of(const AccessToken &token, const Config &config) {
	auto caller = std::make_shared<Caller>();
	caller->read = token.read;
	caller->transfer = token.transfer;
	make_owner(*caller, token.owner, config);
	return caller;
}

} // namespace

asio::ip::address client_of(const HttpRequest &request, const TrustedProxies &proxies) {
	std::vector<std::string_view> forwarded_for;
	for (const HttpHeader &header : request.headers)
		if (same_text(header.name, "X-Forwarded-For"))
			forwarded_for.push_back(header.value);
	return proxies.client(request.peer, forwarded_for);
}

Authenticator::Authenticator(asio::io_context &io, const Config &config,
	LaneRunner<CredentialCall> &credentials, LaneRunner<StatementCall> &statements,
	RateLimiter &limiter)
	: io_(io), config_(config), credentials_(credentials), statements_(statements),
	  limiter_(limiter), cookies_(config.public_url) {
	if (config.issuer)
		issuer_.emplace(io, *config.issuer);
}

CallerPtr Authenticator::known(std::string_view authorization, Use use) {
	const std::string_view token = bearer_token(authorization);
	if (token.empty())
		return nullptr;
	Remembered &met = remembered_[std::hash<std::string_view>()(token) % max_remembered];
	const bool is_remembered = same(met.token, token);
	const Digest digest = is_remembered ? met.digest : sha256(token);
	CallerPtr caller = is_api_key(token) ? find_stored(digest, use) : find_token(digest);
	// Of strangers nothing is remembered: they would push out those who are known.
	if (caller != nullptr && !is_remembered)
		met = {std::string(token), digest};
	return caller;
}

CallerPtr Authenticator::find_stored(const Digest &digest, Use use) {
	const auto found = stored_.find(index_of(digest));
	if (found == stored_.end() || !same(found->second.digest, digest))
		return nullptr;
	StoredEntry &entry = found->second;
	const auto age = Clock::now() - entry.checked;
	if (age < refresh_after || (age < trusted_for && entry.refreshing)) {
		if (use == Use::now)
			note_use(entry);
		return entry.caller;
	}
	return nullptr;
}

CallerPtr Authenticator::find_token(const Digest &digest) {
	const auto found = tokens_.find(index_of(digest));
	if (found == tokens_.end() || !same(found->second.digest, digest))
		return nullptr;
	const TokenEntry &entry = found->second;
	if (entry.generation == issuer_->generation() &&
		std::time(nullptr) < entry.expires + max_clock_skew_s)
		return entry.caller;
	tokens_.erase(found);
	return nullptr;
}

std::string_view Authenticator::session_secret(const HttpRequest &request) const {
	if (request.header("Authorization"))
		return {};
	if (request.count("Cookie") != 1)
		return {};
	return find_cookie(*request.header("Cookie"), cookies_.session()).value_or("");
}

asio::awaitable<Result<CallerPtr>> Authenticator::authenticate(
	const HttpRequest &request, Clock::time_point deadline, Use use) {
	const std::string_view authorization = request.header("Authorization").value_or("");
	if (CallerPtr caller = known(authorization, use))
		co_return caller;
	const std::string token(bearer_token(authorization));
	const std::string_view secret = session_secret(request);
	if (token.empty() && secret.empty())
		co_return no_credentials();
	const Digest digest = token.empty() ? session_digest(secret) : sha256(token);
	if (token.empty())
		if (CallerPtr caller = find_stored(digest, use))
			co_return caller;
	// A client that tries credentials at random is stopped; whose key was good a moment ago is not,
	// though they share an address. A try is paid for before the answer is there, or many at once
	// would pass; many with one credential are one.
	const std::string tries =
		"failed:" + client_identity(client_of(request, config_.trusted_proxies));
	const Quota &quota = config_.failed_credential_quota;
	const uint64_t index = index_of(digest);
	bool is_paid = false;
	if (const auto entry = stored_.find(index); entry != stored_.end()) {
		entry->second.refreshing = true;
	} else if (!paid_.contains(index)) {
		const auto left = limiter_.take(tries, quota, Clock::now());
		if (!left.granted)
			co_return rate_limited(quota, left);
		is_paid = true;
		paid_.insert(index);
	}

	// Spelt out: GCC 12 miscompiles a conditional inside a co_await.
	Result<CallerPtr> caller{CallerPtr()};
	if (token.empty() || is_api_key(token))
		caller = co_await check_stored(digest, deadline, use);
	else
		caller = co_await check_token(token, digest, deadline);
	const bool is_wrong = !caller && caller.error().status == 401;
	if (is_paid)
		paid_.erase(index);
	if (is_paid && !is_wrong)
		limiter_.give_back(tries, quota);
	if (!is_wrong)
		co_return caller;
	if (!is_paid)
		limiter_.take(tries, quota, Clock::now());
	Problem problem = caller.error();
	if (token.empty())
		problem.headers.emplace_back("Set-Cookie", cookies_.remove(cookies_.session()));
	co_return problem;
}

asio::awaitable<Result<CallerPtr>> Authenticator::check_stored(
	Digest digest, Clock::time_point deadline, Use use) {
	const auto asked = Clock::now();
	auto ticket = std::make_shared<CredentialCall::LaneType::TicketType>(CredentialRequest{digest});
	const Settled settled = co_await credentials_.settle(ticket, deadline);
	const uint64_t index = index_of(digest);
	if (settled != Settled::answered) {
		stored_.erase(index);
		if (settled == Settled::refused)
			co_return database_problem(ticket->sqlstate, ticket->message);
		if (credentials_.not_executed() == Settled::no_leader)
			co_return not_leader();
		co_return overloaded();
	}
	if (!ticket->reply) {
		stored_.erase(index);
		co_return invalid_token("The API key or session is unknown, expired or revoked.");
	}
	if (stored_.size() >= max_entries)
		stored_.clear();
	StoredEntry &entry = stored_[index];
	entry = {.digest = digest,
		.caller = caller_of(*ticket->reply, config_),
		.id = ticket->reply->id,
		.checked = asked,
		.noted = entry.noted};
	if (use == Use::now)
		note_use(entry);
	co_return entry.caller;
}

asio::awaitable<Result<CallerPtr>> Authenticator::check_token(
	std::string token, Digest digest, Clock::time_point deadline) {
	if (!issuer_)
		co_return invalid_token("No access tokens are taken here, only API keys.");
	const auto access = co_await issuer_->verify(std::move(token), deadline);
	if (!access)
		co_return access.error();
	if (tokens_.size() >= max_entries)
		tokens_.clear();
	CallerPtr caller = caller_of(*access, config_);
	tokens_[index_of(digest)] = {digest, caller, access->expires, issuer_->generation()};
	co_return caller;
}

void Authenticator::note_use(StoredEntry &entry) {
	const auto now = Clock::now();
	if (entry.noted && now - *entry.noted < note_after)
		return;
	entry.noted = now;
	(entry.caller->has_session ? used_sessions_ : used_keys_).push_back(entry.id);
	if (!writing_notes_) {
		writing_notes_ = true;
		asio::co_spawn(io_, write_notes(), asio::detached);
	}
}

// Nobody waits for it, and what is lost comes again in a minute.
asio::awaitable<void> Authenticator::write_notes() {
	while (!used_keys_.empty() || !used_sessions_.empty()) {
		const bool sessions = used_keys_.empty();
		std::vector<int64_t> &used = sessions ? used_sessions_ : used_keys_;
		std::vector<pg::Parameter> parameters(1, pg::int8_array(used));
		used.clear();
		const char *sql = "select tokpay.note_api_key_uses($1)";
		if (sessions) {
			sql = "select tokpay.note_session_uses($1, $2)";
			parameters.push_back(
				pg::int4(static_cast<int32_t>(config_.wallets.session_idle.count())));
		}
		auto ticket = std::make_shared<StatementCall::LaneType::TicketType>(
			StatementRequest{sql, std::move(parameters), false});
		co_await statements_.settle(ticket, Clock::now() + note_timeout);
	}
	writing_notes_ = false;
}

} // namespace tokpay
