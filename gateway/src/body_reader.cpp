#include "body_reader.hpp"

#include "plain_body.hpp"

#include <algorithm>
#include <charconv>

namespace tokpay {

namespace {

// A reply names at most so many faults.
constexpr size_t max_errors = 100;
constexpr size_t max_metadata_bytes = 65536;
constexpr size_t max_name_bytes = 255;
constexpr size_t max_currency_bytes = 12;
// Of a balance, as in the ledger; the lowest is as far below 0.
constexpr int64_t highest_limit = int64_t{1} << 62;

// PostgreSQL's numeric holds more than this; a number beyond it would fail the whole batch.
constexpr size_t max_number_bytes = 100;
constexpr int max_exponent = 1000;
constexpr const char *expected_number =
	"expected a number of at most 100 characters, its exponent from -1000 to 1000";

constexpr const char *expected_id = "expected an id: a string of digits without a leading zero, at "
									"most 9223372036854775807";

// The pointer to a member: "~" and "/" in its name are escaped (RFC 6901, section 3).
std::string element(std::string pointer, std::string_view name) {
	pointer.push_back('/');
	for (const char c : name)
		if (c == '~')
			pointer += "~0";
		else if (c == '/')
			pointer += "~1";
		else
			pointer.push_back(c);
	return pointer;
}

// How many digits jsonb writes, at most, for the exponent of a number: it has 1e3 as 1000. Nothing
// for a number that is not stored.
std::optional<size_t> exponent_digits(std::string_view number) {
	if (number.size() > max_number_bytes)
		return std::nullopt;
	const size_t e = number.find_first_of("eE");
	if (e == std::string_view::npos)
		return 0;
	std::string_view digits = number.substr(e + 1);
	if (digits.starts_with('+'))
		digits.remove_prefix(1);
	int exponent = 0;
	const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
	if (parsed.ec != std::errc() || std::abs(exponent) > max_exponent)
		return std::nullopt;
	return static_cast<size_t>(std::abs(exponent));
}

// The same of all numbers in a value.
size_t all_exponent_digits(const json::Document &document, uint32_t index) {
	size_t digits = 0;
	for (uint32_t i = index; i < document[index].end; i++)
		if (document[i].type == json::Type::number)
			digits += exponent_digits(document[i].text).value_or(0);
	return digits;
}

bool has_nul(const json::Node &node) {
	return node.name.find('\0') != std::string_view::npos ||
		   node.text.find('\0') != std::string_view::npos;
}

// The first node in a value that jsonb does not take: NUL in a text, a number beyond numeric.
std::optional<uint32_t> find_unstorable(const json::Document &document, uint32_t index) {
	for (uint32_t i = index; i < document[index].end; i++)
		if (has_nul(document[i]) ||
			(document[i].type == json::Type::number && !exponent_digits(document[i].text)))
			return i;
	return std::nullopt;
}

// The pointer to a node in a value that pointer points at.
std::string pointer_to(
	const json::Document &document, uint32_t value, uint32_t node, const std::string &pointer) {
	std::string found = pointer;
	size_t position = 0;
	document.for_each(value, [&](uint32_t i) {
		const std::string place = std::to_string(position++);
		if (i <= node && node < document[i].end)
			found = pointer_to(document, i, node,
				element(
					pointer, document[value].type == json::Type::array ? place : document[i].name));
	});
	return found;
}

} // namespace

std::optional<int64_t> parse_id(std::string_view text) {
	if (text.empty() || text.size() > 19 || text[0] == '0' ||
		!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
		return std::nullopt;
	int64_t id = 0;
	if (std::from_chars(text.data(), text.data() + text.size(), id).ec != std::errc())
		return std::nullopt;
	return id;
}

ObjectReader::ObjectReader(const json::Document &document, uint32_t object, std::string pointer,
	std::vector<FieldError> &errors)
	: document_(document), object_(object), pointer_(std::move(pointer)), errors_(errors) {}

void ObjectReader::fail(std::string_view name, std::string detail) {
	add(element(pointer_, name), std::move(detail));
}

void ObjectReader::add(std::string pointer, std::string detail) {
	if (errors_.size() < max_errors)
		errors_.push_back({std::move(pointer), std::move(detail)});
}

std::optional<uint32_t> ObjectReader::find(std::string_view name) {
	known_.push_back(name);
	return document_.member(object_, name);
}

int64_t ObjectReader::required_id(std::string_view name) {
	const auto index = find(name);
	std::optional<int64_t> id;
	if (index && document_[*index].type == json::Type::string)
		id = parse_id(document_[*index].text);
	if (!id)
		fail(name, index ? expected_id : "is missing");
	return id.value_or(0);
}

std::optional<int64_t> ObjectReader::optional_id(std::string_view name) {
	const auto index = find(name);
	if (!index || document_[*index].type == json::Type::null)
		return std::nullopt;
	return required_id(name);
}

std::optional<int64_t> ObjectReader::optional_amount(std::string_view name) {
	const auto index = find(name);
	if (!index || document_[*index].type == json::Type::null)
		return std::nullopt;
	return required_amount(name);
}

int64_t ObjectReader::required_amount(std::string_view name) {
	const auto index = find(name);
	if (!index)
		fail(name, "is missing");
	else if (document_[*index].type != json::Type::integer || document_[*index].integer < 1)
		fail(name, "expected an integer from 1 to 9223372036854775807, in minor units");
	else
		return document_[*index].integer;
	return 0;
}

std::optional<int64_t> ObjectReader::optional_integer(std::string_view name) {
	const auto index = find(name);
	if (!index || document_[*index].type == json::Type::null)
		return std::nullopt;
	if (document_[*index].type != json::Type::integer) {
		fail(name, "expected an integer or null");
		return std::nullopt;
	}
	return document_[*index].integer;
}

std::optional<int64_t> ObjectReader::optional_limit(std::string_view name, int64_t highest) {
	const auto limit = optional_integer(name);
	if (limit && (*limit < -highest_limit || *limit > highest))
		fail(name, "expected " + std::to_string(-highest_limit) + " to " + std::to_string(highest) +
					   ", or null");
	return limit;
}

void ObjectReader::check_choice(
	std::string_view name, std::initializer_list<std::string_view> choices) {
	const auto index = find(name);
	if (!index || (document_[*index].type == json::Type::string &&
					  std::ranges::find(choices, document_[*index].text) != choices.end()))
		return;
	std::string detail = "expected one of";
	for (const std::string_view choice : choices)
		detail.append(choice == *choices.begin() ? " " : ", ").append(choice);
	fail(name, std::move(detail));
}

std::optional<std::string> ObjectReader::text(
	uint32_t index, std::string_view name, size_t max_bytes) {
	const json::Node &node = document_[index];
	if (node.type != json::Type::string || node.text.size() > max_bytes ||
		node.text.find('\0') != std::string_view::npos) {
		fail(name,
			"expected a string of at most " + std::to_string(max_bytes) + " bytes without U+0000");
		return std::nullopt;
	}
	return std::string(node.text);
}

std::string ObjectReader::required_text(std::string_view name, size_t max_bytes) {
	const auto index = find(name);
	if (!index) {
		fail(name, "is missing");
		return "";
	}
	if (document_[*index].type == json::Type::string && document_[*index].text.empty())
		fail(name, "is empty");
	return text(*index, name, max_bytes).value_or("");
}

std::optional<std::string> ObjectReader::optional_text(std::string_view name, size_t max_bytes) {
	const auto index = find(name);
	if (!index || document_[*index].type == json::Type::null)
		return std::nullopt;
	return text(*index, name, max_bytes);
}

std::optional<std::string> ObjectReader::optional_object(std::string_view name) {
	const auto index = find(name);
	if (!index || document_[*index].type == json::Type::null)
		return std::nullopt;
	std::string value;
	if (document_[*index].type != json::Type::object)
		fail(name, "expected an object or null");
	else if (const auto wrong = find_unstorable(document_, *index))
		add(pointer_to(document_, *index, *wrong, element(pointer_, name)),
			has_nul(document_[*wrong]) ? "has a text with U+0000" : expected_number);
	else if (document_.append_text(*index, &value);
			 value.size() + all_exponent_digits(document_, *index) > max_metadata_bytes)
		fail(name, "has more than " + std::to_string(max_metadata_bytes) +
					   " bytes, numbers with an exponent written out");
	else
		return value;
	return std::nullopt;
}

std::optional<uint32_t> ObjectReader::required_array(std::string_view name, size_t max_size) {
	const auto index = find(name);
	size_t size = 0;
	if (index && document_[*index].type == json::Type::array)
		document_.for_each(*index, [&](uint32_t) { size++; });
	if (size >= 1 && size <= max_size)
		return index;
	fail(name, index ? "expected an array of 1 to " + std::to_string(max_size) + " elements"
					 : "is missing");
	return std::nullopt;
}

void ObjectReader::finish() {
	document_.for_each(object_, [&](uint32_t i) {
		if (std::ranges::find(known_, document_[i].name) == known_.end())
			fail(document_[i].name, "is not a member of this object");
	});
}

Result<json::Document> parse_object(std::string_view body) {
	std::string why;
	auto document = json::Document::parse(body, &why);
	if (!document)
		return Problem{400, "malformed_json", "The body is not valid JSON: " + why + "."};
	if ((*document)[0].type != json::Type::object)
		return invalid_request({{"", "expected an object"}});
	return std::move(*document);
}

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

TransferRequest read_transfer(
	const json::Document &document, ObjectReader &reader, std::vector<FieldError> &errors) {
	TransferRequest transfer;
	transfer.debit = reader.required_id("debit");
	if (const auto credits = reader.required_array("credits", max_credits_per_transfer)) {
		size_t i = 0;
		document.for_each(*credits, [&](uint32_t credit) {
			const std::string pointer = reader.pointer() + "/credits/" + std::to_string(i++);
			if (document[credit].type != json::Type::object) {
				if (errors.size() < max_errors)
					errors.push_back({pointer, "expected an object"});
				return;
			}
			ObjectReader members(document, credit, pointer, errors);
			const int64_t account = members.required_id("account");
			transfer.credits.push_back({account, members.required_amount("amount")});
			members.finish();
		});
	}
	transfer.description = reader.optional_text("description", max_description_bytes);
	transfer.metadata = reader.optional_object("metadata");
	return transfer;
}

namespace {

// Parses an object, lets read(document, reader, errors) make a value of it, and answers with the
// value or with everything that is wrong.
template<class Read>
auto read_body(std::string_view body, Read read)
	-> Result<decltype(read(std::declval<const json::Document &>(), std::declval<ObjectReader &>(),
		std::declval<std::vector<FieldError> &>()))> {
	const auto document = parse_object(body);
	if (!document)
		return document.error();
	std::vector<FieldError> errors;
	ObjectReader reader(*document, 0, "", errors);
	auto value = read(*document, reader, errors);
	reader.finish();
	if (!errors.empty())
		return invalid_request(std::move(errors));
	return value;
}

} // namespace

Result<TopUpRequest> read_top_up(std::string_view body) {
	return read_body(body, [](const json::Document &, ObjectReader &reader, auto &) {
		const int64_t account = reader.required_id("account");
		return TopUpRequest{account, reader.required_amount("amount")};
	});
}

Result<TransferRequest> complete::read_transfer_body(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &errors) {
		return read_transfer(document, reader, errors);
	});
}

Result<std::vector<TransferRequest>> complete::read_transfer_batch(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &errors) {
		std::vector<TransferRequest> transfers;
		const auto array = reader.required_array("transfers", max_transfers_per_batch);
		if (!array)
			return transfers;
		size_t i = 0;
		size_t credits = 0;
		document.for_each(*array, [&](uint32_t index) {
			const std::string pointer = "/transfers/" + std::to_string(i++);
			if (document[index].type != json::Type::object) {
				if (errors.size() < max_errors)
					errors.push_back({pointer, "expected an object"});
				return;
			}
			ObjectReader members(document, index, pointer, errors);
			TransferRequest transfer = read_transfer(document, members, errors);
			transfer.key = members.required_text("key", max_http_key_bytes);
			if (const auto chain = members.optional_integer("chain")) {
				if (*chain < INT32_MIN || *chain > INT32_MAX)
					members.fail("chain", "expected a 32-bit integer");
				transfer.chain = static_cast<int32_t>(*chain);
			}
			members.finish();
			credits += transfer.credits.size();
			transfers.push_back(std::move(transfer));
		});
		if (credits > max_credits_per_batch)
			reader.fail("transfers",
				"has more than " + std::to_string(max_credits_per_batch) + " credits in all");
		if (all_exponent_digits(document, *array) > max_exponent_digits_per_batch)
			reader.fail("transfers", "has numbers with an exponent that take more than " +
										 std::to_string(max_exponent_digits_per_batch) +
										 " digits written out");
		return transfers;
	});
}

Result<std::vector<int64_t>> complete::read_balances_query(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &errors) {
		std::vector<int64_t> accounts;
		if (const auto array = reader.required_array("accounts", max_balances_per_query))
			document.for_each(*array, [&](uint32_t index) {
				const json::Node &node = document[index];
				const auto id =
					node.type == json::Type::string ? parse_id(node.text) : std::nullopt;
				if (!id)
					if (errors.size() < max_errors)
						errors.push_back(
							{"/accounts/" + std::to_string(accounts.size()), expected_id});
				accounts.push_back(id.value_or(0));
			});
		return accounts;
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

// amounts of a capture: integers from 0, one per credit of the hold.
std::vector<int64_t> read_amounts(
	const json::Document &document, uint32_t array, std::vector<FieldError> &errors) {
	std::vector<int64_t> amounts;
	document.for_each(array, [&](uint32_t index) {
		const json::Node &node = document[index];
		const bool valid = node.type == json::Type::integer && node.integer >= 0;
		if (!valid && errors.size() < max_errors)
			errors.push_back({"/amounts/" + std::to_string(amounts.size()),
				"expected an integer from 0 to what is held, in minor units"});
		amounts.push_back(valid ? node.integer : 0);
	});
	return amounts;
}

} // namespace

Result<TransferRequest> read_hold(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &errors) {
		TransferRequest hold = read_transfer(document, reader, errors);
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
	return read_body(or_empty_object(body),
		[](const json::Document &document, ObjectReader &reader, auto &errors) {
			TransferRequest capture{.kind = "capture"};
			if (reader.has("amounts"))
				if (const auto array = reader.required_array("amounts", max_credits_per_transfer)) {
					capture.amounts = read_amounts(document, *array, errors);
					if (errors.empty() && std::ranges::max(*capture.amounts) == 0)
						reader.fail("amounts", "has nothing but 0; void the hold to release it");
				}
			return capture;
		});
}

Result<TransferRequest> read_void(std::string_view body) {
	return read_body(or_empty_object(body), [](const json::Document &, ObjectReader &, auto &) {
		return TransferRequest{.kind = "void"};
	});
}

Result<TransferRequest> read_reverse(std::string_view body) {
	return read_body(
		or_empty_object(body), [](const json::Document &, ObjectReader &reader, auto &) {
			TransferRequest reverse{.kind = "reverse"};
			reverse.description = reader.optional_text("description", max_description_bytes);
			return reverse;
		});
}

Result<RefundRequest> read_refund(std::string_view body) {
	return read_body(
		or_empty_object(body), [](const json::Document &, ObjectReader &reader, auto &) {
			RefundRequest refund;
			refund.account = reader.optional_id("account");
			refund.amount = reader.optional_amount("amount");
			refund.description = reader.optional_text("description", max_description_bytes);
			return refund;
		});
}

Result<std::string> read_account_patch(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &) {
		reader.optional_limit("min_balance", highest_limit);
		reader.optional_limit("max_balance", highest_limit);
		reader.optional_object("metadata");
		reader.check_choice("status", {"open", "frozen", "closed"});
		std::string patch;
		document.append_text(0, &patch);
		return patch;
	});
}

namespace {

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
	return read_body(body, [](const json::Document &, ObjectReader &reader, auto &) {
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
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &errors) {
		AddressesRequest request{.account = reader.required_id("account"), .emails = {}};
		if (const auto array = reader.required_array("emails", max_addresses_per_query))
			document.for_each(*array, [&](uint32_t index) {
				const json::Node &node = document[index];
				if (node.type != json::Type::string || node.text.size() > max_address_bytes ||
					node.text.find('\0') != std::string_view::npos)
					if (errors.size() < max_errors)
						errors.push_back({"/emails/" + std::to_string(request.emails.size()),
							"expected a string of at most " + std::to_string(max_address_bytes) +
								" bytes without U+0000"});
				request.emails.emplace_back(node.text);
			});
		return request;
	});
}

Result<std::string> read_profile_patch(std::string_view body) {
	return read_body(body, [](const json::Document &document, ObjectReader &reader, auto &) {
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
		std::string patch;
		document.append_text(0, &patch);
		return patch;
	});
}

} // namespace tokpay
