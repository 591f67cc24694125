// Reads request bodies: every member checked, every fault collected with a pointer to it.
#pragma once

#include "http.hpp"
#include "json_reader.hpp"
#include "ledger.hpp"

#include <string>
#include <vector>

namespace tokpay {

// The members of one JSON object. Each reader returns something harmless where the member is wrong
// and adds the fault to errors; finish() adds the members nobody asked for.
class ObjectReader {
public:
	ObjectReader(const json::Document &document, uint32_t object, std::string pointer,
		std::vector<FieldError> &errors);

	bool has(std::string_view name) { return find(name).has_value(); }
	int64_t required_id(std::string_view name);
	int64_t required_amount(std::string_view name);						// 1 to 2^63-1 minor units
	std::string required_text(std::string_view name, size_t max_bytes); // not empty
	std::optional<int64_t> optional_id(std::string_view name);
	std::optional<int64_t> optional_amount(std::string_view name);
	std::optional<int64_t> optional_integer(std::string_view name);
	std::optional<int64_t> optional_limit(std::string_view name, int64_t highest); // of a balance
	std::optional<std::string> optional_text(std::string_view name, size_t max_bytes);
	std::optional<std::string> optional_object(std::string_view name); // as JSON text for jsonb
	// Index of a member that is an array of 1 to max_size elements.
	std::optional<uint32_t> required_array(std::string_view name, size_t max_size);

	// Faults a member that is there and none of these strings.
	void check_choice(std::string_view name, std::initializer_list<std::string_view> choices);
	void fail(std::string_view name, std::string detail);
	void finish();

	const std::string &pointer() const { return pointer_; }

private:
	void add(std::string pointer, std::string detail);
	std::optional<uint32_t> find(std::string_view name);
	std::optional<std::string> text(uint32_t index, std::string_view name, size_t max_bytes);

	const json::Document &document_;
	uint32_t object_;
	std::string pointer_;
	std::vector<FieldError> &errors_;
	std::vector<std::string_view> known_;
};

// An id of the ledger as the wire has it: ^[1-9][0-9]{0,18}$ within int64.
std::optional<int64_t> parse_id(std::string_view text);

// 400 malformed_json, or 422 where the body is not an object.
Result<json::Document> parse_object(std::string_view body);

constexpr size_t max_http_key_bytes = 200;
// The bounds of the ledger (extension/src/transfer.hpp), so that nothing it would refuse as a whole
// reaches a batch.
constexpr size_t max_credits_per_transfer = 10000;
constexpr size_t max_transfers_per_batch = 10000;
constexpr size_t max_credits_per_batch = 100000;
// Metadata comes back in every reply, 1e3 as 1000: a batch adds as much to its own as a body has.
constexpr size_t max_exponent_digits_per_batch = size_t{8} * 1024 * 1024;
constexpr size_t max_description_bytes = 10000;
constexpr size_t max_balances_per_query = 10000;
constexpr size_t max_addresses_per_query = 1000;

// The Idempotency-Key header, quoted (RFC 8941 string) or bare. 400 idempotency_key_missing.
Result<std::string> idempotency_key(const HttpRequest &request);

// debit, credits, description and metadata of a transfer.
TransferRequest read_transfer(
	const json::Document &document, ObjectReader &reader, std::vector<FieldError> &errors);

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
