#include "api/handlers.hpp"

#include "access/person.hpp"
#include "api/body_reader.hpp"
#include "api/execution.hpp"

namespace tokpay {

namespace {

constexpr int32_t max_recipients = 20;
constexpr size_t max_q_bytes = 200;

// The budget of a day is the database's (sql/wallet.sql), and a day is one of UTC.
Problem budget_is_used_up() {
	namespace chrono = std::chrono;
	const auto now = chrono::system_clock::now();
	const auto left =
		chrono::ceil<chrono::seconds>(chrono::floor<chrono::days>(now) + chrono::days(1) - now);
	return {.status = 429,
		.code = "rate_limited",
		.detail =
			"A wallet looks up 2,000 addresses a day, of which 100 may be unknown here. "
			"Those who were paid before can still be paid; look up others after midnight UTC.",
		.headers = {{"Retry-After", std::to_string(left.count())}}};
}

} // namespace

Reply resolve_recipients(Exchange &exchange) {
	const auto wanted = read_addresses(exchange.request.body);
	if (!wanted)
		co_return wanted.error();
	const auto found = co_await run_statement(exchange,
		"select email, status, payee, display_name from tokpay.gateway_resolve($1, $2, $3, $4)",
		Repeat::yes, pg::int8(exchange.caller->session->user), pg::int8(wanted->account),
		pg::text(exchange.caller->principal), pg::text_array(wanted->emails));
	if (!found)
		co_return found.error();
	if (found->rows() > 0 && found->text(0, 1) == "limited")
		co_return budget_is_used_up();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("results");
	out.begin_array();
	for (int row = 0; row < found->rows(); row++) {
		const auto account = found->optional_int8(row, 2);
		out.begin_object();
		out.member("email", found->text(row, 0));
		out.member("status", found->text(row, 1));
		out.member("account", account ? std::optional(json::Id{*account}) : std::nullopt);
		out.member("display_name", found->optional_text(row, 3));
		out.end_object();
	}
	out.end_array();
	out.end_object();
	co_return response;
}

Reply list_recipients(Exchange &exchange) {
	const auto given = parameters(exchange.request, {"q"});
	if (!given)
		co_return given.error();
	const auto q = text_parameter(*given, "q", max_q_bytes);
	if (!q)
		co_return q.error();
	const auto recipients = co_await read_recipients(exchange, *q, max_recipients);
	if (!recipients)
		co_return recipients.error();
	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.name("data");
	write_recipients(out, *recipients);
	out.end_object();
	co_return response;
}

} // namespace tokpay
