#include "api/handlers.hpp"

#include "access/browser_session.hpp"
#include "access/person.hpp"
#include "api/body_reader.hpp"
#include "api/documents.hpp"
#include "api/openapi.hpp"

namespace tokpay {

namespace {

// The wallet first, of those who have one.
void write_accounts(json::Writer &out, const pg::Result &accounts, std::optional<int64_t> wallet) {
	out.begin_array();
	for (const bool first : {true, false})
		for (int row = 0; row < accounts.rows(); row++)
			if ((accounts.int8(row, 0) == wallet) == first)
				write_account(out, accounts, row);
	out.end_array();
}

const char *kind_of(const Caller &caller) {
	if (caller.has_session)
		return "session";
	return caller.principal && caller.principal->starts_with("owner:") ? "owner" : "api_key";
}

Reply answer_me(Exchange &exchange) {
	const Caller &caller = *exchange.caller;
	const auto accounts = co_await read_own_accounts(exchange);
	if (!accounts)
		co_return accounts.error();
	std::optional<Person> person;
	if (caller.has_session) {
		const auto found = co_await read_person(exchange);
		if (!found)
			co_return found.error();
		person = *found;
	}
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.member("kind", kind_of(caller));
	out.name("scopes");
	out.begin_array();
	struct {
		const char *name;
		bool Caller::*has;
	} constexpr scopes[] = {{"read", &Caller::read}, {"transfer", &Caller::transfer},
		{"fund", &Caller::fund}, {"admin", &Caller::admin}};
	for (const auto &scope : scopes)
		if (caller.*scope.has)
			out.value(scope.name);
	out.end_array();
	out.member("all_accounts", !caller.principal);
	out.name("accounts");
	write_accounts(out, *accounts, person ? std::optional(wallet_of(*person)) : std::nullopt);
	if (person) {
		const auto secret = exchange.worker.authenticator.session_secret(exchange.request);
		write_person_members(out, exchange.worker.config, *person);
		out.member("session", json::Id{caller.session->id});
		out.member(
			"link_token", caller.is_fresh ? std::optional(link_token(secret)) : std::nullopt);
	}
	out.end_object();
	co_return response;
}

// Ends a session of the caller's, or all of them; the browser forgets its own.
Reply sign_out(Exchange &exchange, std::optional<int64_t> session) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const BrowserSession own = *exchange.caller->session;
	const auto ended = co_await run_statement(exchange, "select tokpay.gateway_end_session($1, $2)",
		Repeat::yes, pg::int8(own.user), pg::int8(session));
	if (!ended)
		co_return ended.error();
	if (session && !ended->boolean(0, 0))
		co_return not_found("There is no such session, or it is over.");
	Response response{.status = 204};
	if (session.value_or(own.id) == own.id)
		Cookies(exchange.worker.config.public_url).forget_session(response);
	co_return response;
}

} // namespace

Reply get_me(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	co_return co_await answer_me(exchange);
}

Reply patch_me(Exchange &exchange) {
	const auto patch = read_profile_patch(exchange.request.body);
	if (!patch)
		co_return patch.error();
	const auto updated =
		co_await run_statement(exchange, "select tokpay.gateway_update_profile($1, $2)",
			Repeat::yes, pg::int8(exchange.caller->session->user), pg::jsonb(*patch));
	if (!updated)
		co_return updated.error();
	co_return co_await answer_me(exchange);
}

Reply list_sessions(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const auto sessions = co_await read_sessions(exchange);
	if (!sessions)
		co_return sessions.error();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("data");
	write_sessions(out, exchange, *sessions);
	out.end_object();
	co_return response;
}

Reply end_session(Exchange &exchange) {
	co_return co_await sign_out(exchange, exchange.id);
}

Reply end_sessions(Exchange &exchange) {
	co_return co_await sign_out(exchange, std::nullopt);
}

Reply get_config(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	Worker &worker = exchange.worker;
	const bool is_stranger = exchange.caller == nullptr;
	if (is_stranger && worker.strangers >= max_strangers)
		co_return overloaded();
	worker.strangers += is_stranger;
	const auto currencies = co_await run_statement(exchange,
		"select code, exponent, l.top_up, l.daily from tokpay.currencies,"
		" tokpay.demo_funding_limits() l order by code",
		Repeat::yes);
	worker.strangers -= is_stranger;
	if (!currencies)
		co_return currencies.error();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("currencies");
	out.begin_array();
	for (int row = 0; row < currencies->rows(); row++) {
		out.begin_object();
		out.member("code", currencies->text(row, 0));
		out.member("exponent", static_cast<int64_t>(currencies->int2(row, 1)));
		out.end_object();
	}
	out.end_array();
	out.name("providers");
	out.begin_array();
	for (const ProviderConfig &provider : exchange.worker.config.providers) {
		out.begin_object();
		out.member("name", provider.name);
		out.member("label", provider.label);
		out.end_object();
	}
	out.end_array();
	out.name("demo_funding");
	if (exchange.worker.config.demo_funding) {
		out.begin_object();
		out.member("max_top_up_major_units", static_cast<int64_t>(currencies->int4(0, 2)));
		out.member("max_daily_major_units", static_cast<int64_t>(currencies->int4(0, 3)));
		out.end_object();
	} else {
		out.value(std::nullopt);
	}
	out.end_object();
	co_return response;
}

Reply get_openapi(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	Response response;
	response.body = openapi_document();
	co_return response;
}

} // namespace tokpay
