// Why a request was refused: the codes of the interface, and how they are raised.
#pragma once

#include "postgres.hpp"

#include <optional>

namespace tokpay {

// In order of precedence: where several rules are broken, the first one answers.
enum class Code : uint8_t {
	ok,
	invalid_request,
	not_leader,
	key_reused,
	account_not_found,
	transfer_not_found,
	not_permitted,
	account_in_use,
	hold_not_pending,
	already_reversed,
	same_account,
	currency_mismatch,
	account_frozen,
	account_closed,
	amount_overflow,
	insufficient_funds,
	balance_limit,
	chain_failed,
};

// A code with what it is about. detail is palloc'd or static.
struct Refusal {
	Code code = Code::ok;
	std::optional<int64> account;
	bool has_amounts = false; // balance and required are set
	int64 balance = 0;
	int64 required = 0;
	const char *detail = nullptr;
	const char *hint = nullptr; // instead of the code's own
};

// Refusals that several functions make. id is an account's or a transfer's.
Refusal invalid_request(const char *detail);
Refusal account_not_found(int64 id);
Refusal transfer_not_found(int64 id);

// The code's name in transfer_outcome and over HTTP.
const char *code_name(Code code);

// Raises the refusal as an error with the code's SQLSTATE, DETAIL and HINT, fenced like any answer.
[[noreturn]] void raise(const Refusal &refusal);

// Raises 40001: the transaction's snapshot is too old for what it wants to do.
[[noreturn]] void raise_serialization_failure();

} // namespace tokpay
