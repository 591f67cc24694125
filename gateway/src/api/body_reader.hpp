// Reads request bodies: every member checked, every fault told with a pointer to it.
#pragma once

#include "http/http.hpp"
#include "ledger/ledger.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay {

constexpr size_t max_http_key_bytes = 200;	// in a header
constexpr size_t max_batch_key_bytes = 255; // as in SQL
// The bounds of the ledger (extension/src/transfer.hpp), so that nothing it would refuse as a whole
// reaches a batch.
constexpr size_t max_credits_per_transfer = 10000;
constexpr size_t max_transfers_per_batch = 10000;
constexpr size_t max_credits_per_batch = 100000;
constexpr size_t max_description_bytes = 10000;
constexpr size_t max_balances_per_query = 10000;

// The Idempotency-Key header, quoted (RFC 8941 string) or bare. 400 idempotency_key_missing.
Result<std::string> idempotency_key(const HttpRequest &request);

// {debit, credits: [{account, amount}], description?, metadata?}
Result<TransferRequest> read_transfer_body(std::string_view body);

// {transfers: [{key, debit, credits, description?, metadata?, chain?}]}
Result<std::vector<TransferRequest>> read_transfer_batch(std::string_view body);

// {accounts: [id]}
Result<std::vector<int64_t>> read_balances_query(std::string_view body);

// What these three do with a body that is not plain (plain_body.hpp): every fault is told.
namespace complete {
Result<TransferRequest> read_transfer_body(std::string_view body);
Result<std::vector<TransferRequest>> read_transfer_batch(std::string_view body);
Result<std::vector<int64_t>> read_balances_query(std::string_view body);
} // namespace complete

// {account, amount} and nothing else.
struct TopUpRequest {
	int64_t account;
	int64_t amount;
};
Result<TopUpRequest> read_top_up(std::string_view body);

// A hold: a transfer with expires_in, seconds; seven days where it is missing, null for never.
Result<TransferRequest> read_hold(std::string_view body);

// The bodies of what is done to a hold or transfer may be missing; members of a reverse are
// description, of a capture amounts, one per credit of the hold.
Result<TransferRequest> read_capture(std::string_view body);
Result<TransferRequest> read_void(std::string_view body);
Result<TransferRequest> read_reverse(std::string_view body);

// {account?, amount?, description?}: which of the caller's payees gives back how much.
struct RefundRequest {
	std::optional<int64_t> account;
	std::optional<int64_t> amount;
	std::optional<std::string> description;
};
Result<RefundRequest> read_refund(std::string_view body);

// A merge patch of an account, checked, as JSON text.
Result<std::string> read_account_patch(std::string_view body);

// {account, emails: [text]}: whose addresses are looked up for whom.
struct AddressesRequest {
	int64_t account = 0;
	std::vector<std::optional<std::string>> emails; // none of them is missing
};
Result<AddressesRequest> read_addresses(std::string_view body);

// A patch of display_name, locale and theme, checked, as JSON text.
Result<std::string> read_profile_patch(std::string_view body);

struct AccountRequest {
	std::optional<std::string> name;
	std::string currency = "USD";
	std::optional<int64_t> min_balance = 0; // none: no floor
	std::optional<int64_t> max_balance;
	std::string metadata = "{}";
	std::optional<std::string> owner;
};
Result<AccountRequest> read_account(std::string_view body);

} // namespace tokpay
