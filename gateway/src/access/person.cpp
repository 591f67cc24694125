#include "access/person.hpp"

#include "api/documents.hpp"

#include <algorithm>

namespace tokpay {

namespace asio = boost::asio;

namespace {

constexpr int32_t max_own_accounts = 1000;

// The name of an issuer's provider; nothing for one that is configured no longer.
std::optional<std::string_view> provider_of(const Config &config, std::string_view issuer) {
	for (const ProviderConfig &provider : config.providers)
		if (provider.issuer.rules.issuer == issuer)
			return provider.name;
	return std::nullopt;
}

} // namespace

asio::awaitable<Result<Person>> read_person(Exchange &exchange) {
	const int64_t user = exchange.caller->session->user;
	const auto profile = co_await run_statement(exchange,
		"select display_name, locale, theme, account from tokpay.gateway_profile($1)", Repeat::yes,
		pg::int8(user));
	if (!profile)
		co_return profile.error();
	const auto identities = co_await run_statement(exchange,
		"select issuer, email, email_verified, payable from tokpay.gateway_identities($1)",
		Repeat::yes, pg::int8(user));
	if (!identities)
		co_return identities.error();
	Person person{*profile, *identities};
	co_return person;
}

asio::awaitable<Result<pg::Result>> read_sessions(Exchange &exchange) {
	co_return co_await run_statement(exchange,
		"select id, issuer, user_agent, created_at, last_seen_at, expires_at"
		" from tokpay.gateway_sessions($1)",
		Repeat::yes, pg::int8(exchange.caller->session->user));
}

asio::awaitable<Result<pg::Result>> read_recipients(
	Exchange &exchange, std::optional<std::string> q, int32_t max_rows) {
	co_return co_await run_statement(exchange,
		"select email, account, display_name, last_paid_at"
		" from tokpay.gateway_recipients($1, $2, $3)",
		Repeat::yes, pg::int8(exchange.caller->session->user), pg::text(q), pg::int4(max_rows));
}

asio::awaitable<Result<pg::Result>> read_own_accounts(Exchange &exchange) {
	static const std::string sql = std::string("select ") + account_columns +
								   " from tokpay.gateway_accounts($1, 0, $2)"
								   " where $1 is not null";
	co_return co_await run_statement(exchange, sql.c_str(), Repeat::yes,
		pg::text(exchange.caller->principal), pg::int4(max_own_accounts));
}

int64_t wallet_of(const Person &person) {
	return person.profile.int8(0, 3);
}

void write_person_members(json::Writer &out, const Config &config, const Person &person) {
	out.member("display_name", person.profile.text(0, 0));
	out.member("locale", person.profile.optional_text(0, 1));
	out.member("theme", person.profile.text(0, 2));
	out.name("identities");
	out.begin_array();
	const pg::Result &identities = person.identities;
	for (int row = 0; row < identities.rows(); row++) {
		out.begin_object();
		out.member("provider", provider_of(config, identities.text(row, 0)));
		out.member("email", identities.optional_text(row, 1));
		out.member("email_verified", identities.boolean(row, 2));
		out.member("payable", identities.boolean(row, 3));
		out.end_object();
	}
	out.end_array();
}

void write_sessions(json::Writer &out, const Exchange &exchange, const pg::Result &sessions) {
	out.begin_array();
	for (int row = 0; row < sessions.rows(); row++) {
		const int64_t id = sessions.int8(row, 0);
		out.begin_object();
		out.member("id", json::Id{id});
		out.member("created_at", json::Time{sessions.int8(row, 3)});
		out.member("last_seen_at", json::Time{sessions.int8(row, 4)});
		out.member("expires_at", json::Time{sessions.int8(row, 5)});
		out.member("user_agent", sessions.text(row, 2));
		out.member("provider", provider_of(exchange.worker.config, sessions.text(row, 1)));
		out.member("current", id == exchange.caller->session->id);
		out.end_object();
	}
	out.end_array();
}

void write_recipients(json::Writer &out, const pg::Result &recipients) {
	out.begin_array();
	for (int row = 0; row < recipients.rows(); row++) {
		out.begin_object();
		out.member("email", recipients.text(row, 0));
		out.member("account", json::Id{recipients.int8(row, 1)});
		out.member("display_name", recipients.text(row, 2));
		out.member("last_paid_at", json::Time{recipients.int8(row, 3)});
		out.end_object();
	}
	out.end_array();
}

} // namespace tokpay
