#include "evaluation.hpp"

namespace tokpay {

namespace {

Refusal about(Code code, const Account &account, const char *detail) {
	return {.code = code, .account = account.id, .detail = detail};
}

Refusal about_amounts(Code code, const Account &account, int64 required, const char *detail) {
	return {.code = code,
		.account = account.id,
		.has_amounts = true,
		.balance = account.row->balance,
		.required = required,
		.detail = detail};
}

} // namespace

Refusal Evaluation::evaluate() {
	Refusal refusal = check_accounts();
	if (refusal.code == Code::ok)
		refusal = check_amounts();
	for (Account *credit : credits_)
		credit->delta = 0;
	return refusal;
}

JournalRow *Evaluation::post(int64 key_hash, JournalRow *written) {
	const TimestampTz at = books_.earliest_time(debit_, credits_);
	const PendingHold *end_hold =
		request_.kind == kind_capture || request_.kind == kind_void ? &hold_ : nullptr;
	return books_.post({.kind = request_.kind,
						   .debit = debit_,
						   .credits = credits_,
						   .amounts = request_.amounts,
						   .total = total_,
						   .key = request_.key,
						   .key_hash = key_hash,
						   .description = request_.description,
						   .metadata = request_.metadata,
						   .target = request_.target == nullptr ? 0 : request_.target->id,
						   .at = at,
						   .expires_at = expiry(at),
						   .written = written},
		end_hold);
}

Refusal Evaluation::check_accounts() {
	if (debit_->row == nullptr)
		return account_not_found(debit_->id);
	for (const Account *credit : credits_)
		if (credit->row == nullptr)
			return account_not_found(credit->id);

	at_ = books_.earliest_time(debit_, credits_);
	if (Refusal refusal = check_permission(); refusal.code != Code::ok)
		return refusal;
	if (is(kind_capture) || is(kind_void))
		if (Refusal refusal = check_hold(); refusal.code != Code::ok)
			return refusal;
	if (is(kind_void))
		return {};
	if (is(kind_reverse))
		if (const JournalRow *by = books_.journal().by_target(request_.target->id))
			return {.code = Code::already_reversed,
				.detail =
					psprintf("Transfer " INT64_FORMAT " was reversed by transfer " INT64_FORMAT ".",
						request_.target->id, by->id)};

	for (const Account *credit : credits_)
		if (credit == debit_)
			return about(Code::same_account, *debit_,
				psprintf("Account " INT64_FORMAT " is debited and credited.", debit_->id));

	for (const Account *credit : credits_)
		if (!same_text(credit->currency, debit_->currency))
			return about(Code::currency_mismatch, *credit,
				psprintf("Account " INT64_FORMAT " is in %s, the debited one in %s.", credit->id,
					text_to_cstring(credit->currency), text_to_cstring(debit_->currency)));

	if (const Account *account = first_with_status(status_frozen))
		return about(Code::account_frozen, *account,
			psprintf("Account " INT64_FORMAT " is frozen.", account->id));
	if (const Account *account = first_with_status(status_closed))
		return about(Code::account_closed, *account,
			psprintf("Account " INT64_FORMAT " is closed.", account->id));
	return {};
}

// Whoever loses money without having a floor creates it.
Refusal Evaluation::check_permission() const {
	const Account *creates = nullptr;
	if (is(kind_reverse)) {
		for (size_t i = credits_.size(); i-- > 0;)
			if (request_.amounts[i] != 0 && credits_[i]->row->min_balance == no_floor)
				creates = credits_[i];
	} else if (!is(kind_void) && debit_->row->min_balance == no_floor) {
		creates = debit_;
	}
	if (creates == nullptr || has_privs_of_role(GetUserId(), get_role_oid("tokpay_funder", false)))
		return {};
	return about(Code::not_permitted, *creates,
		psprintf("Account " INT64_FORMAT " has no floor.", creates->id));
}

Refusal Evaluation::check_hold() {
	const JournalRow &target = *request_.target;
	const auto not_pending = [](const char *detail) {
		return Refusal{.code = Code::hold_not_pending, .detail = detail};
	};
	if (target.kind != kind_hold)
		return not_pending(psprintf(
			"Transfer " INT64_FORMAT " is a %s and no hold.", target.id, kind_name(target.kind)));
	if (!books_.pending_holds().find(target.id, &hold_)) {
		const JournalRow *end = books_.journal().by_target(target.id);
		if (end == nullptr)
			elog(ERROR, "hold " INT64_FORMAT " is neither pending nor ended", target.id);
		if (end->kind == kind_expiry)
			return not_pending(psprintf("Hold " INT64_FORMAT " has expired.", target.id));
		return not_pending(psprintf("Hold " INT64_FORMAT " was %s by transfer " INT64_FORMAT ".",
			target.id, end->kind == kind_capture ? "captured" : "voided", end->id));
	}
	const bool released = debit_->released > 0 && books_.has_ended(target.id);
	if (released || (is(kind_capture) && at_ >= hold_.expires_at))
		return not_pending(psprintf("Hold " INT64_FORMAT " has expired.", target.id));
	return {};
}

Refusal Evaluation::check_amounts() {
	total_ = 0;
	for (const int64 amount : request_.amounts)
		if (__builtin_add_overflow(total_, amount, &total_))
			return about(Code::amount_overflow, *debit_,
				psprintf("The sum of the amounts that account " INT64_FORMAT
						 " is to pay does not fit a bigint.",
					debit_->id));
	if (is(kind_void))
		return {};
	// Whether a payee can hold a sum is told to those who have it: who could ask without the money
	// would find out every balance.
	if (request_.is_limited)
		if (Refusal refusal = check_funds(); refusal.code != Code::ok)
			return refusal;
	if (Refusal refusal = check_overflow(); refusal.code != Code::ok)
		return refusal;
	if (Refusal refusal = check_funds(); refusal.code != Code::ok)
		return refusal;
	return check_ceilings();
}

Refusal Evaluation::check_overflow() {
	int64 sum;
	const auto too_big = [](const Account &account, const char *what) {
		return about(Code::amount_overflow, account,
			psprintf(
				"The %s of account " INT64_FORMAT " would not fit a bigint.", what, account.id));
	};
	if (is(kind_hold)) {
		if (__builtin_add_overflow(debit_->row->held, total_, &sum))
			return too_big(*debit_, "held amount");
		return {};
	}
	if (__builtin_sub_overflow(debit_->row->balance, total_, &sum))
		return too_big(*debit_, "balance");
	if (debit_->row->version == PG_INT64_MAX)
		return too_big(*debit_, "version");
	// The whole gain of each first: an account may be credited several times.
	for (size_t i = 0; i < credits_.size(); i++)
		credits_[i]->delta += request_.amounts[i]; // at most total_
	for (const Account *credit : credits_) {
		if (__builtin_add_overflow(credit->row->balance, credit->delta, &sum))
			return too_big(*credit, "balance");
		if (credit->row->version > PG_INT64_MAX - max_credits_per_transfer)
			return too_big(*credit, "version");
	}
	return {};
}

Refusal Evaluation::check_funds() {
	if (is(kind_capture)) // the money is held
		return {};
	if (!is(kind_reverse))
		return check_payer(debit_, total_);
	for (Account *credit : credits_)
		if (Refusal refusal = check_payer(credit, -credit->delta); refusal.code != Code::ok)
			return refusal;
	return {};
}

Refusal Evaluation::check_payer(Account *payer, int64 needed) {
	const AccountRow &row = *payer->row;
	if (row.min_balance == no_floor || available(row) >= needed ||
		books_.release_expired(payer, needed, at_))
		return {};
	return about_amounts(Code::insufficient_funds, *payer, needed,
		psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
				 " available, the %s needs " INT64_FORMAT ".",
			payer->id, available(row), kind_name(request_.kind), needed));
}

Refusal Evaluation::check_ceilings() const {
	if (is(kind_hold)) // checked when it is captured
		return {};
	const auto check = [](const Account &payee, int64 gain) -> Refusal {
		if (payee.row->balance + gain <= payee.row->max_balance)
			return {};
		return about_amounts(Code::balance_limit, payee, gain,
			psprintf("Account " INT64_FORMAT " has " INT64_FORMAT ", a credit of " INT64_FORMAT
					 " would lift it above its max_balance " INT64_FORMAT ".",
				payee.id, payee.row->balance, gain, payee.row->max_balance));
	};
	if (is(kind_reverse))
		return check(*debit_, -total_);
	for (const Account *credit : credits_)
		if (Refusal refusal = check(*credit, credit->delta); refusal.code != Code::ok)
			return refusal;
	return {};
}

const Account *Evaluation::first_with_status(char status) const {
	if (debit_->row->status == status)
		return debit_;
	for (const Account *credit : credits_)
		if (credit->row->status == status)
			return credit;
	return nullptr;
}

TimestampTz Evaluation::expiry(TimestampTz at) const {
	if (request_.expires_in == nullptr)
		return DT_NOEND;
	// Months are the calendar's, so the sum of a positive interval may still be in the past.
	return std::max(at + 1, DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval,
								TimestampTzGetDatum(at), PointerGetDatum(request_.expires_in))));
}

} // namespace tokpay
