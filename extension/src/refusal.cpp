#include "refusal.hpp"

#include "fence.hpp"

#include <iterator>

namespace tokpay {

namespace {

struct CodeText {
	const char *name;
	const char *message;
	char sqlstate[6];
	const char *hint;
};

constexpr CodeText code_texts[] = {
	{"ok", "ok", "00000", nullptr},
	{"invalid_request", "invalid request", "TP001", nullptr},
	{"not_leader", "not the leader", "TP015", "Connect to the primary server."},
	{"key_reused", "key reused", "TP002",
		"A key belongs to one request for ever; use a new key for a new request."},
	{"account_not_found", "account not found", "TP003", nullptr},
	{"transfer_not_found", "transfer not found", "TP006",
		"The view tokpay.transfers lists transfers and holds."},
	{"not_permitted", "not permitted", "TP016",
		"Debiting an account without a floor creates money: it needs the role tokpay_funder."},
	{"account_in_use", "account in use", "TP018",
		"Move its money away, and capture or void its holds, before you close it."},
	{"hold_not_pending", "hold not pending", "TP013", nullptr},
	{"already_reversed", "already reversed", "TP014", nullptr},
	{"same_account", "same account", "TP004", nullptr},
	{"currency_mismatch", "currency mismatch", "TP005", nullptr},
	{"account_frozen", "account frozen", "TP007", "tokpay.unfreeze() opens it again."},
	{"account_closed", "account closed", "TP008", nullptr},
	{"amount_overflow", "amount overflow", "TP009", nullptr},
	{"insufficient_funds", "insufficient funds", "TP010", nullptr},
	{"balance_limit", "balance limit", "TP011", nullptr},
	{"chain_failed", "chain failed", "TP012", nullptr},
};
static_assert(std::size(code_texts) == static_cast<size_t>(Code::chain_failed) + 1);

const CodeText &text_of(Code code) {
	return code_texts[static_cast<int>(code)];
}

} // namespace

Refusal invalid_request(const char *detail) {
	return {.code = Code::invalid_request, .detail = detail};
}

Refusal account_not_found(int64 id) {
	return {.code = Code::account_not_found,
		.account = id,
		.detail = psprintf("There is no account " INT64_FORMAT ".", id)};
}

Refusal transfer_not_found(int64 id) {
	return {.code = Code::transfer_not_found,
		.detail = psprintf("There is no transfer " INT64_FORMAT ".", id)};
}

const char *code_name(Code code) {
	return text_of(code).name;
}

void raise(const Refusal &refusal) {
	if (refusal.code != Code::not_leader)
		fence_refusal();
	const CodeText &text = text_of(refusal.code);
	const char *s = text.sqlstate;
	const char *hint = refusal.hint ? refusal.hint : text.hint;
	ereport(ERROR,
		(errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])), errmsg("%s", text.message),
			refusal.detail ? errdetail("%s", refusal.detail) : 0, hint ? errhint("%s", hint) : 0));
	pg_unreachable();
}

void raise_serialization_failure() {
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					   errmsg("could not serialize access due to concurrent update")));
	pg_unreachable();
}

} // namespace tokpay
