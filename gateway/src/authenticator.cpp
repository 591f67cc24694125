#include "authenticator.hpp"

#include <boost/beast/core/string.hpp>
#include <openssl/sha.h>

namespace tokpay {

namespace asio = boost::asio;

namespace {

Problem unauthenticated(std::string detail) {
	return {.status = 401,
		.code = "unauthenticated",
		.detail = std::move(detail),
		.headers = {{"WWW-Authenticate", "Bearer"}}};
}

std::string sha256(std::string_view text) {
	std::string digest(SHA256_DIGEST_LENGTH, '\0');
	SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(),
		reinterpret_cast<unsigned char *>(digest.data()));
	return digest;
}

// The token of "Authorization: Bearer TOKEN", empty where there is none (RFC 6750).
std::string_view bearer_token(std::string_view value) {
	constexpr std::string_view scheme = "bearer ";
	if (value.size() <= scheme.size() ||
		!boost::beast::iequals({value.data(), scheme.size()}, {scheme.data(), scheme.size()}))
		return {};
	value.remove_prefix(scheme.size());
	return value;
}

CallerPtr caller_of(const pg::Result &result) {
	auto caller = std::make_shared<Caller>();
	for (const std::string &scope : result.text_array(0, 0)) {
		caller->admin |= scope == "admin";
		caller->read |= scope == "read" || scope == "admin";
		caller->transfer |= scope == "transfer" || scope == "admin";
		caller->fund |= scope == "fund" || scope == "admin";
	}
	if (!result.is_null(0, 1)) {
		const auto accounts = result.int8_array(0, 1);
		caller->accounts.emplace(accounts.begin(), accounts.end());
	}
	return caller;
}

} // namespace

CallerPtr Authenticator::known(std::string_view authorization) {
	const std::string_view token = bearer_token(authorization);
	if (token.empty())
		return nullptr;
	const auto found = entries_.find(sha256(token));
	if (found == entries_.end() || Clock::now() - found->second.checked >= refresh_after)
		return nullptr;
	return found->second.caller;
}

asio::awaitable<Result<CallerPtr>> Authenticator::authenticate(
	const HttpRequest &request, Clock::time_point deadline) {
	const std::string_view token = bearer_token(request.header("Authorization").value_or(""));
	if (token.empty())
		co_return unauthenticated("Send an API key as \"Authorization: Bearer KEY\".");
	std::string digest = sha256(token);
	if (const auto found = entries_.find(digest); found != entries_.end()) {
		Entry &entry = found->second;
		const auto age = Clock::now() - entry.checked;
		if (age < refresh_after || (age < trusted_for && entry.refreshing))
			co_return entry.caller;
		entry.refreshing = true;
	}
	co_return co_await look_up(std::move(digest), deadline);
}

asio::awaitable<Result<CallerPtr>> Authenticator::look_up(
	std::string digest, Clock::time_point deadline) {
	constexpr uint32_t bytea_oid = 17;
	const auto asked = Clock::now();
	auto ticket = std::make_shared<Lane<StatementRequest, pg::Result>::TicketType>(StatementRequest{
		"select scopes, accounts from tokpay.authenticate($1)", {{bytea_oid, digest}}, true});
	const Settled settled = co_await statements_.settle(ticket, deadline);
	if (settled != Settled::answered) {
		entries_.erase(digest);
		co_return settled == Settled::refused ? database_problem(ticket->sqlstate, ticket->message)
											  : overloaded();
	}
	if (ticket->reply.rows() == 0) {
		entries_.erase(digest);
		co_return unauthenticated("The API key is unknown, expired or revoked.");
	}
	if (entries_.size() >= max_entries)
		entries_.clear();
	CallerPtr caller = caller_of(ticket->reply);
	entries_[std::move(digest)] = {caller, asked};
	co_return caller;
}

} // namespace tokpay
