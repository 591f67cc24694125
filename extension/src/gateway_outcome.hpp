// The columns of a gateway_outcome (sql/types.sql), and a row of them as bytes.
#pragma once

#include "postgres.hpp"

namespace tokpay {

enum Column {
	column_position,
	column_code,
	column_transfer,
	column_at,
	column_kind,
	column_currency,
	column_debit,
	column_debit_balance,
	column_debit_version,
	column_credits,
	column_amounts,
	column_credit_balances,
	column_credit_versions,
	column_replayed,
	column_metadata,
	column_expires_at,
	column_account,
	column_balance,
	column_required,
	column_available,
	column_detail,
	column_count,
};

// Appends the columns from code on, in their order, each as
//   size:int32 value     size is -1 for a null
// with integers and times as int64 and sizes in network order, a boolean as a byte, texts and JSON
// in the client's encoding, and an array as its elements, each with a size again.
void pack_outcome(StringInfo bytes, const Datum *values, const bool *nulls);

} // namespace tokpay
