// set_limits, freeze, unfreeze and close: what is said of an account rather than booked on it.

#include "books.hpp"
#include "fence.hpp"
#include "refusal.hpp"

namespace tokpay {

namespace {

constexpr int64 limit_bound = INT64CONST(1) << 62;

int64 account_argument(FunctionCallInfo fcinfo) {
	if (PG_ARGISNULL(0))
		raise(invalid_request("account is null."));
	return PG_GETARG_INT64(0);
}

// Locks the account, calls change(row), which refuses or changes it, and stores what is changed.
template<class Change> Datum change_account(int64 id, Change change) {
	Books books("a change of an account", 1);
	Account *account = books.add(id);
	books.read();
	books.lock(LockWaitBlock);
	if (account->row == nullptr)
		raise(account_not_found(id));
	change(account->row);
	books.write();
	books.close();
	return Datum(0);
}

[[noreturn]] void raise_closed(int64 id) {
	raise({.code = Code::account_closed,
		.account = id,
		.detail = psprintf("Account " INT64_FORMAT " is closed.", id)});
}

Datum change_status(FunctionCallInfo fcinfo, char status) {
	return change_account(account_argument(fcinfo), [&](AccountRow *row) {
		if (row->status == status_closed)
			raise_closed(row->id);
		row->status = status;
	});
}

} // namespace

} // namespace tokpay

TOKPAY_FENCED_FUNCTION(tokpay_set_limits) {
	using namespace tokpay;
	const int64 id = account_argument(fcinfo);
	const int64 min_balance = PG_ARGISNULL(1) ? no_floor : PG_GETARG_INT64(1);
	const int64 max_balance = PG_ARGISNULL(2) ? no_ceiling : PG_GETARG_INT64(2);
	const auto within = [](int64 limit) { return limit >= -limit_bound && limit <= limit_bound; };
	if ((!PG_ARGISNULL(1) && !within(min_balance)) || (!PG_ARGISNULL(2) && !within(max_balance)))
		raise(invalid_request("Limits lie within -2^62 and 2^62."));
	change_account(id, [&](AccountRow *row) {
		if (row->status == status_closed)
			raise_closed(id);
		row->min_balance = min_balance;
		row->max_balance = max_balance;
		const auto violated = [&](const char *limit, int64 value) {
			raise({.code = Code::balance_limit,
				.account = id,
				.detail = psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
								   ", of which " INT64_FORMAT " held, against %s " INT64_FORMAT ".",
					id, row->balance, row->held, limit, value)});
		};
		if (min_balance != no_floor && available(*row) < 0)
			violated("min_balance", min_balance);
		if (row->balance > max_balance)
			violated("max_balance", max_balance);
	});
	PG_RETURN_VOID();
}

TOKPAY_FENCED_FUNCTION(tokpay_freeze) {
	return tokpay::change_status(fcinfo, tokpay::status_frozen);
}

TOKPAY_FENCED_FUNCTION(tokpay_unfreeze) {
	return tokpay::change_status(fcinfo, tokpay::status_open);
}

TOKPAY_FENCED_FUNCTION(tokpay_close) {
	using namespace tokpay;
	return change_account(account_argument(fcinfo), [](AccountRow *row) {
		if (row->status == status_closed)
			return;
		if (row->balance != 0 || row->held != 0)
			raise({.code = Code::account_in_use,
				.account = row->id,
				.detail = psprintf("Account " INT64_FORMAT " has " INT64_FORMAT
								   ", of which " INT64_FORMAT " held.",
					row->id, row->balance, row->held)});
		row->status = status_closed;
	});
}
