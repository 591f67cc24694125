#include "handlers.hpp"

#include "documents.hpp"
#include "openapi.hpp"

namespace tokpay {

namespace {

// Accounts that /v1/me lists at most.
constexpr int32_t max_own_accounts = 1000;

} // namespace

Reply get_me(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const Caller &caller = *exchange.caller;
	static const std::string sql =
		std::string("select ") + account_columns + " from tokpay.gateway_accounts($1, 0, $2)";
	std::optional<pg::Result> accounts;
	if (caller.principal) {
		const auto found = co_await run_statement(exchange, sql.c_str(), Repeat::yes,
			pg::text(caller.principal), pg::int4(max_own_accounts));
		if (!found)
			co_return found.error();
		accounts = *found;
	}
	const bool is_owner = caller.principal && caller.principal->starts_with("owner:");
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.member("kind", is_owner ? "owner" : "api_key");
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
	out.begin_array();
	for (int row = 0; accounts && row < accounts->rows(); row++)
		write_account(out, *accounts, row);
	out.end_array();
	out.end_object();
	co_return response;
}

Reply get_config(Exchange &exchange) {
	if (const auto none = parameters(exchange.request, {}); !none)
		co_return none.error();
	const auto currencies = co_await run_statement(exchange,
		"select code, exponent, l.top_up, l.daily from tokpay.currencies,"
		" tokpay.demo_funding_limits() l order by code",
		Repeat::yes);
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
