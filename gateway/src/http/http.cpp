#include "http/http.hpp"

#include "text/json_writer.hpp"
#include "text/same_text.hpp"

#include <algorithm>
#include <stdexcept>

namespace tokpay {

namespace {

struct LedgerCode {
	std::string_view code;
	std::string_view sqlstate;
	unsigned status;
};

constexpr LedgerCode ledger_codes[] = {
	{"invalid_request", "TP001", 422},
	{"key_reused", "TP002", 422},
	{"account_not_found", "TP003", 422},
	{"same_account", "TP004", 422},
	{"currency_mismatch", "TP005", 422},
	{"transfer_not_found", "TP006", 422},
	{"account_frozen", "TP007", 422},
	{"account_closed", "TP008", 422},
	{"amount_overflow", "TP009", 422},
	{"insufficient_funds", "TP010", 422},
	{"balance_limit", "TP011", 422},
	{"chain_failed", "TP012", 422},
	{"hold_not_pending", "TP013", 409},
	{"already_reversed", "TP014", 409},
	{"not_leader", "TP015", 503},
	{"not_permitted", "TP016", 403},
	{"name_taken", "TP017", 409},
	{"account_in_use", "TP018", 422},
	{"limit_exceeded", "TP019", 422},
	{"rate_limited", "TP020", 429},
	{"wrong_link", "TP021", 409},
};

Problem from_code(const LedgerCode &entry, std::string detail) {
	Problem problem{entry.status, entry.code.data(), std::move(detail)};
	if (entry.status == 503)
		problem.headers.emplace_back("Retry-After", "1");
	return problem;
}

// "key_reused" as "Key reused".
std::string title_of(std::string_view code) {
	std::string title(code);
	for (char &c : title)
		if (c == '_')
			c = ' ';
	if (code == "malformed_json")
		return "Malformed JSON";
	title[0] = static_cast<char>(title[0] - 'a' + 'A');
	return title;
}

} // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
	for (const HttpHeader &header : headers)
		if (same_text(header.name, name))
			return header.value;
	return std::nullopt;
}

size_t HttpRequest::count(std::string_view name) const {
	return static_cast<size_t>(std::ranges::count_if(
		headers, [&](const HttpHeader &header) { return same_text(header.name, name); }));
}

void throw_exception_from_error(const Problem &problem, const boost::source_location &) {
	throw std::logic_error(problem.detail);
}

Response to_response(const Problem &problem) {
	Response response;
	response.status = problem.status;
	response.code = problem.code;
	response.content_type = "application/problem+json";
	response.headers = problem.headers;
	json::Writer out(response.body);
	out.begin_object();
	out.member("type", std::string("urn:problem-type:tokpay:") + problem.code);
	out.member("title", title_of(problem.code));
	out.member("status", static_cast<int64_t>(problem.status));
	out.member("detail", problem.detail);
	out.member("code", problem.code);
	if (!problem.errors.empty()) {
		out.name("errors");
		out.begin_array();
		for (const FieldError &error : problem.errors) {
			out.begin_object();
			out.member("pointer", error.pointer);
			out.member("detail", error.detail);
			out.end_object();
		}
		out.end_array();
	}
	if (problem.account)
		out.member("account", json::Id{*problem.account});
	if (problem.balance)
		out.member("balance", *problem.balance);
	if (problem.required)
		out.member("required", *problem.required);
	if (problem.available)
		out.member("available", *problem.available);
	out.end_object();
	return response;
}

Problem invalid_request(std::vector<FieldError> errors) {
	std::string detail = "The request is not valid.";
	if (!errors.empty())
		detail =
			(errors[0].pointer.empty() ? "The body" : errors[0].pointer) + ": " + errors[0].detail;
	return {422, "invalid_request", std::move(detail), std::move(errors)};
}

Problem not_found(std::string detail) {
	return {404, "not_found", std::move(detail)};
}

Problem overloaded() {
	return {.status = 503,
		.code = "overloaded",
		.detail = "The request was not executed; try again.",
		.headers = {{"Retry-After", "1"}}};
}

Problem not_leader() {
	return {.status = 503,
		.code = "not_leader",
		.detail = "There is no leader at present; the request was not executed, try again.",
		.headers = {{"Retry-After", "1"}}};
}

Problem outcome_unknown() {
	return {504, "outcome_unknown",
		"Whether the request was executed is not known yet; repeat it with the same key."};
}

Problem internal_error() {
	return {500, "internal_error", "Something went wrong in the gateway; nothing more is known."};
}

Problem database_problem(const std::string &sqlstate, const std::string &detail) {
	for (const LedgerCode &entry : ledger_codes)
		if (entry.sqlstate == sqlstate)
			return from_code(entry, detail);
	if (sqlstate == "08007")
		return outcome_unknown();
	if (sqlstate == "22021")
		return {422, "invalid_request", "A text is not UTF-8, or has U+0000 in it."};
	// Lack of resources, an operator's intervention, a deadlock or a serialization failure.
	if (sqlstate.starts_with("53") || sqlstate.starts_with("57") || sqlstate.starts_with("40") ||
		sqlstate.starts_with("55"))
		return overloaded();
	return internal_error();
}

Problem refusal_problem(std::string_view code, std::string detail) {
	for (const LedgerCode &entry : ledger_codes)
		if (entry.code == code)
			return from_code(entry, std::move(detail));
	return internal_error();
}

} // namespace tokpay
