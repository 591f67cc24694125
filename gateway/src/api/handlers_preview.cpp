#include "api/handlers.hpp"

#include "api/body_reader.hpp"
#include "api/execution.hpp"

namespace tokpay {

namespace {

// What a refusal of an account says, by its code.
std::string detail_of(std::string_view code, int64_t account) {
	struct {
		std::string_view code;
		const char *what;
	} constexpr details[] = {
		{"account_not_found", "There is no account "},
		{"not_permitted", "The scope fund is needed to debit account "},
		{"same_account", "This both pays and is paid: account "},
		{"currency_mismatch", "The payer's currency is not that of account "},
		{"account_frozen", "This account is frozen: "},
		{"account_closed", "This account is closed: "},
		{"amount_overflow", "The sums are too large for account "},
		{"insufficient_funds", "There is not enough money in account "},
		{"balance_limit", "This would lift the balance above the limit of account "},
	};
	for (const auto &detail : details)
		if (code == detail.code)
			return detail.what + std::to_string(account) + '.';
	return "This account cannot take part: " + std::to_string(account) + '.';
}

// {account, name, currency, amount, balance, available, balance_after} of a payer (sign -1) or
// payee.
void write_side(json::Writer &out, const pg::Result &rows, int row, int64_t sign) {
	const auto amount = rows.optional_int8(row, 3);
	const auto balance = rows.optional_int8(row, 4);
	std::optional<int64_t> after;
	int64_t sum = 0;
	if (amount && balance && !__builtin_add_overflow(*balance, sign * *amount, &sum))
		after = sum;
	out.begin_object();
	out.member("account", json::Id{rows.int8(row, 0)});
	out.member("name", rows.optional_text(row, 1));
	out.member("currency", rows.optional_text(row, 2));
	out.member("amount", amount);
	out.member("balance", balance);
	out.member("available", rows.optional_int8(row, 5));
	out.member("balance_after", after);
	out.end_object();
}

// {code, account, balance, required, available, detail}
void write_refusal(json::Writer &out, const pg::Result &rows, int row, const std::string &code) {
	const int64_t account = rows.int8(row, 0);
	const bool about_money = code == "insufficient_funds" || code == "balance_limit";
	const auto figure = [&](int column) {
		return about_money ? rows.optional_int8(row, column) : std::nullopt;
	};
	out.begin_object();
	out.member("code", code);
	out.member("account", json::Id{account});
	out.member("balance", figure(4));
	out.member("required", figure(3));
	out.member("available", figure(5));
	out.member("detail", detail_of(code, account));
	out.end_object();
}

} // namespace

Reply preview_transfer(Exchange &exchange) {
	const auto transfer = read_transfer_body(exchange.request.body);
	if (!transfer)
		co_return transfer.error();
	std::vector<int64_t> credits;
	std::vector<int64_t> amounts;
	for (const Credit &credit : transfer->credits) {
		credits.push_back(credit.account);
		amounts.push_back(credit.amount);
	}
	const auto sides = co_await run_statement(exchange,
		"select account, name, currency, amount, balance, available, codes"
		" from tokpay.gateway_preview($1, $2, $3, $4, $5)",
		Repeat::reads, pg::int8(transfer->debit), pg::int8_array(credits), pg::int8_array(amounts),
		pg::boolean(exchange.caller->fund), pg::text(exchange.caller->principal));
	if (!sides)
		co_return sides.error();

	Response response;
	json::Writer out(response.body);
	out.begin_object();
	out.member("total", sides->optional_int8(0, 3));
	out.member("currency", sides->optional_text(0, 2));
	out.name("debit");
	write_side(out, *sides, 0, -1);
	out.name("credits");
	out.begin_array();
	for (int row = 1; row < sides->rows(); row++)
		write_side(out, *sides, row, 1);
	out.end_array();
	out.name("refusals");
	out.begin_array();
	for (int row = 0; row < sides->rows(); row++)
		for (const std::string &code : sides->text_array(row, 6))
			write_refusal(out, *sides, row, code);
	out.end_array();
	out.end_object();
	co_return response;
}

} // namespace tokpay
