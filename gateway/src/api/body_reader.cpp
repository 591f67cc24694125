#include "api/body_reader.hpp"

#include "api/object_reader.hpp"
#include "api/plain_body.hpp"

#include <algorithm>

namespace tokpay {

Result<std::string> idempotency_key(const HttpRequest &request) {
	const auto header = request.header("Idempotency-Key");
	if (!header)
		return Problem{400, "idempotency_key_missing",
			"Send an Idempotency-Key header: a new one for a new request, the same one to repeat "
			"it."};
	std::string_view value = *header;
	std::string key;
	if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
		value = value.substr(1, value.size() - 2);
		for (size_t i = 0; i < value.size(); i++) {
			if (value[i] == '\\' && i + 1 < value.size())
				i++;
			key.push_back(value[i]);
		}
	} else {
		key = value;
	}
	const bool printable = std::ranges::all_of(key, [](char c) { return c >= 0x20 && c <= 0x7e; });
	if (request.count("Idempotency-Key") != 1 || key.empty() || key.size() > max_http_key_bytes ||
		!printable)
		return Problem{422, "invalid_request",
			"Idempotency-Key: expected one value of 1 to " + std::to_string(max_http_key_bytes) +
				" printable ASCII characters."};
	return key;
}

namespace {

// Metadata comes back in every reply, 1e3 as 1000: a batch adds as much to its own as a body has.
constexpr size_t max_exponent_digits_per_batch = size_t{8} * 1024 * 1024;

// 400 malformed_json, or 422 where the body is not an object.
Result<json::Document> parse_object(std::string_view body) {
	std::string why;
	auto document = json::Document::parse(body, &why);
	if (!document)
		return Problem{400, "malformed_json", "The body is not valid JSON: " + why + "."};
	if ((*document)[0].type != json::Type::object)
		return invalid_request({{"", "expected an object"}});
	return std::move(*document);
}

// Parses an object, lets read(reader) make a value of it, and answers with the value or with
// everything that is wrong.
template<class Read>
auto read_body(std::string_view body, Read read)
	-> Result<decltype(read(std::declval<ObjectReader &>()))> {
	const auto document = parse_object(body);
	if (!document)
		return document.error();
	std::vector<FieldError> errors;
	ObjectReader reader(*document, 0, "", errors);
	auto value = read(reader);
	reader.finish();
	if (!errors.empty())
		return invalid_request(std::move(errors));
	return value;
}

// debit, credits, description and metadata of a transfer.
TransferRequest read_transfer(ObjectReader &reader) {
	TransferRequest transfer;
	transfer.debit = reader.required_id("debit");
	reader.required_objects("credits", max_credits_per_transfer, [&](ObjectReader &credit) {
		const int64_t account = credit.required_id("account");
		transfer.credits.push_back({account, credit.required_amount("amount")});
	});
	transfer.description = reader.optional_text("description", max_description_bytes);
	transfer.metadata = reader.optional_object("metadata");
	return transfer;
}

// The same with the key and the chain that it has in a batch.
TransferRequest read_transfer_of_batch(ObjectReader &reader) {
	TransferRequest transfer = read_transfer(reader);
	transfer.key = reader.required_text("key", max_batch_key_bytes);
	if (const auto chain = reader.optional_integer("chain")) {
		if (*chain < INT32_MIN || *chain > INT32_MAX)
			reader.fail("chain", "expected a 32-bit integer");
		transfer.chain = static_cast<int32_t>(*chain);
	}
	return transfer;
}

} // namespace

Result<TopUpRequest> read_top_up(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		const int64_t account = reader.required_id("account");
		return TopUpRequest{account, reader.required_amount("amount")};
	});
}

Result<TransferRequest> complete::read_transfer_body(std::string_view body) {
	return read_body(body, read_transfer);
}

Result<std::vector<TransferRequest>> complete::read_transfer_batch(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		std::vector<TransferRequest> transfers;
		size_t credits = 0;
		const auto add = [&](ObjectReader &members) {
			transfers.push_back(read_transfer_of_batch(members));
			credits += transfers.back().credits.size();
		};
		if (!reader.required_objects("transfers", max_transfers_per_batch, add))
			return transfers;
		if (credits > max_credits_per_batch)
			reader.fail("transfers",
				"has more than " + std::to_string(max_credits_per_batch) + " credits in all");
		if (reader.exponent_digits("transfers") > max_exponent_digits_per_batch)
			reader.fail("transfers", "has numbers with an exponent that take more than " +
										 std::to_string(max_exponent_digits_per_batch) +
										 " digits written out");
		return transfers;
	});
}

Result<std::vector<int64_t>> complete::read_balances_query(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		return reader.required_ids("accounts", max_balances_per_query);
	});
}

Result<TransferRequest> read_transfer_body(std::string_view body) {
	if (auto transfer = plain::read_transfer_body(body))
		return std::move(*transfer);
	return complete::read_transfer_body(body);
}

Result<std::vector<TransferRequest>> read_transfer_batch(std::string_view body) {
	if (auto transfers = plain::read_transfer_batch(body))
		return std::move(*transfers);
	return complete::read_transfer_batch(body);
}

Result<std::vector<int64_t>> read_balances_query(std::string_view body) {
	if (auto accounts = plain::read_balances_query(body))
		return std::move(*accounts);
	return complete::read_balances_query(body);
}

namespace {

constexpr int64_t default_expiry_s = int64_t{7} * 86400;
constexpr int64_t max_expiry_s = int64_t{36525} * 86400; // a hundred years, as in the ledger

// The body of an action that has nothing to say may be missing.
std::string_view or_empty_object(std::string_view body) {
	return body.empty() ? "{}" : body;
}

} // namespace

Result<TransferRequest> read_hold(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		TransferRequest hold = read_transfer(reader);
		hold.kind = "hold";
		hold.expires_in = default_expiry_s;
		if (reader.has("expires_in"))
			hold.expires_in = reader.optional_integer("expires_in");
		if (hold.expires_in && (*hold.expires_in < 1 || *hold.expires_in > max_expiry_s))
			reader.fail("expires_in",
				"expected seconds from 1 to " + std::to_string(max_expiry_s) + ", or null");
		return hold;
	});
}

Result<TransferRequest> read_capture(std::string_view body) {
	return read_body(or_empty_object(body), [](ObjectReader &reader) {
		TransferRequest capture{.kind = "capture"};
		if (!reader.has("amounts"))
			return capture;
		capture.amounts = reader.required_capture_amounts("amounts", max_credits_per_transfer);
		if (!capture.amounts->empty() && std::ranges::max(*capture.amounts) == 0)
			reader.fail("amounts", "has nothing but 0; void the hold to release it");
		return capture;
	});
}

Result<TransferRequest> read_void(std::string_view body) {
	return read_body(
		or_empty_object(body), [](ObjectReader &) { return TransferRequest{.kind = "void"}; });
}

Result<TransferRequest> read_reverse(std::string_view body) {
	return read_body(or_empty_object(body), [](ObjectReader &reader) {
		TransferRequest reverse{.kind = "reverse"};
		reverse.description = reader.optional_text("description", max_description_bytes);
		return reverse;
	});
}

Result<RefundRequest> read_refund(std::string_view body) {
	return read_body(or_empty_object(body), [](ObjectReader &reader) {
		RefundRequest refund;
		refund.account = reader.optional_id("account");
		refund.amount = reader.optional_amount("amount");
		refund.description = reader.optional_text("description", max_description_bytes);
		return refund;
	});
}

Result<std::string> read_account_patch(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		reader.optional_limit("min_balance", highest_limit);
		reader.optional_limit("max_balance", highest_limit);
		reader.optional_object("metadata");
		reader.check_choice("status", {"open", "frozen", "closed"});
		return reader.as_text();
	});
}

namespace {

constexpr size_t max_name_bytes = 255;
constexpr size_t max_currency_bytes = 12;

// As the ledger has it in the table currency.
bool is_currency_code(std::string_view text) {
	const auto is_letter = [](char c) { return c >= 'A' && c <= 'Z'; };
	return text.size() >= 3 && is_letter(text[0]) && std::ranges::all_of(text, [&](char c) {
		return is_letter(c) || (c >= '0' && c <= '9');
	});
}

// Where it is not null, not empty.
std::optional<std::string> optional_name(ObjectReader &reader, std::string_view name) {
	auto text = reader.optional_text(name, max_name_bytes);
	if (text && text->empty())
		reader.fail(name, "is empty");
	return text;
}

} // namespace

Result<AccountRequest> read_account(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		AccountRequest account;
		account.name = optional_name(reader, "name");
		if (account.name && account.name->starts_with("funding/"))
			reader.fail("name", "begins with funding/, as only funding accounts' names do");
		if (auto currency = reader.optional_text("currency", max_currency_bytes)) {
			account.currency = *currency;
			if (!is_currency_code(*currency))
				reader.fail(
					"currency", "expected 3 to 12 capital letters and digits, a letter first");
		}
		if (reader.has("min_balance"))
			account.min_balance = reader.optional_limit("min_balance", 0);
		account.max_balance = reader.optional_limit("max_balance", highest_limit);
		if (auto metadata = reader.optional_object("metadata"))
			account.metadata = *metadata;
		account.owner = optional_name(reader, "owner");
		return account;
	});
}

namespace {

constexpr size_t max_addresses_per_query = 1000;
constexpr size_t max_address_bytes = 1000; // of what people paste; an address has 254 at most
constexpr size_t max_display_name_characters = 100;
constexpr size_t max_character_bytes = 4;
constexpr size_t max_locale_bytes = 35;

// Of a text in UTF-8: not the second to fourth bytes of one.
bool begins_character(char c) {
	return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

// Up to U+001F, and U+007F to U+009F.
bool has_control_character(std::string_view text) {
	for (size_t i = 0; i < text.size(); i++) {
		const auto byte = static_cast<unsigned char>(text[i]);
		if (byte < 0x20 || byte == 0x7f)
			return true;
		if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0)
			return true;
	}
	return false;
}

bool is_display_name(std::string_view text) {
	return std::ranges::count_if(text, begins_character) <=
			   static_cast<std::ptrdiff_t>(max_display_name_characters) &&
		   !has_control_character(text) && text.find_first_not_of(' ') != std::string_view::npos;
}

// A language tag by its form (RFC 5646, section 2.1): a language of letters, then subtags of
// letters and digits, each of up to eight.
bool is_language_tag(std::string_view text) {
	constexpr size_t max_subtag = 8;
	for (size_t length = 0, subtag = 0, i = 0; i <= text.size(); i++) {
		const char c = i < text.size() ? text[i] : '-';
		const bool is_digit = c >= '0' && c <= '9';
		const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (c == '-') {
			if (length < (subtag == 0 ? 2 : 1) || length > max_subtag)
				return false;
			subtag++;
			length = 0;
		} else if (is_letter || (is_digit && subtag > 0)) {
			length++;
		} else {
			return false;
		}
	}
	return true;
}

} // namespace

Result<AddressesRequest> read_addresses(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		const int64_t account = reader.required_id("account");
		return AddressesRequest{
			account, reader.required_texts("emails", max_addresses_per_query, max_address_bytes)};
	});
}

Result<std::string> read_profile_patch(std::string_view body) {
	return read_body(body, [](ObjectReader &reader) {
		constexpr size_t max_bytes = max_display_name_characters * max_character_bytes;
		if (reader.has("display_name")) {
			const std::string name = reader.required_text("display_name", max_bytes);
			if (!name.empty() && !is_display_name(name))
				reader.fail("display_name",
					"expected 1 to 100 characters, no control characters and not only spaces");
		}
		if (const auto locale = reader.optional_text("locale", max_locale_bytes))
			if (!is_language_tag(*locale))
				reader.fail("locale", "expected a language tag (BCP 47), as de-CH, or null");
		reader.check_choice("theme", {"light", "dark", "system"});
		return reader.as_text();
	});
}

} // namespace tokpay
