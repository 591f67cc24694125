#include "refusal.hpp"

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
	{"not_permitted", "not permitted", "TP016",
		"Debiting an account without a floor creates money: it needs the role tokpay_funder."},
	{"same_account", "same account", "TP004", nullptr},
	{"currency_mismatch", "currency mismatch", "TP005", nullptr},
	{"account_frozen", "account frozen", "TP007", nullptr},
	{"account_closed", "account closed", "TP008", nullptr},
	{"amount_overflow", "amount overflow", "TP009", nullptr},
	{"insufficient_funds", "insufficient funds", "TP010", nullptr},
	{"balance_limit", "balance limit", "TP011", nullptr},
};

const CodeText &text_of(Code code) {
	return code_texts[static_cast<int>(code)];
}

} // namespace

const char *code_name(Code code) {
	return text_of(code).name;
}

void raise(const Refusal &refusal) {
	const CodeText &text = text_of(refusal.code);
	const char *s = text.sqlstate;
	ereport(
		ERROR, (errcode(MAKE_SQLSTATE(s[0], s[1], s[2], s[3], s[4])), errmsg("%s", text.message),
				   refusal.detail ? errdetail("%s", refusal.detail) : 0,
				   text.hint ? errhint("%s", text.hint) : 0));
	pg_unreachable();
}

void require_leader() {
	if (RecoveryInProgress())
		raise({.code = Code::not_leader, .detail = "This server is a standby."});
}

} // namespace tokpay

TOKPAY_FUNCTION(tokpay_require_leader) {
	tokpay::require_leader();
	PG_RETURN_VOID();
}
