// The rules: one request against locked accounts.
#pragma once

#include "books.hpp"
#include "transfer.hpp"

namespace tokpay {

// One request against locked accounts. The rules stand in order of precedence, each an early
// return; what a rule says of all accounts it says of the debit first, then of the credits in
// order.
class Evaluation {
public:
	Evaluation(
		Books &books, const Request &request, Account *debit, std::span<Account *const> credits)
		: books_(books), request_(request), debit_(debit), credits_(credits) {}

	Refusal evaluate();

	// After evaluate() said ok this must succeed. written is what an earlier decision has written.
	JournalRow *post(int64 key_hash, JournalRow *written);

private:
	bool is(char kind) const { return request_.kind == kind; }

	Refusal check_accounts();
	Refusal check_permission() const;
	Refusal check_hold();
	Refusal check_amounts();
	Refusal check_overflow();
	Refusal check_funds();
	Refusal check_payer(Account *payer, int64 needed);
	Refusal check_ceilings() const;
	const Account *first_with_status(char status) const;
	TimestampTz expiry(TimestampTz at) const;

	Books &books_;
	const Request &request_;
	Account *debit_;
	std::span<Account *const> credits_;
	TimestampTz at_ = 0;
	int64 total_ = 0;
	PendingHold hold_; // what a capture or void ends
};

} // namespace tokpay
