#include "api/object_reader.hpp"

#include <algorithm>
#include <charconv>

namespace tokpay {

namespace {

// A reply names at most so many faults.
constexpr size_t max_errors = 100;
constexpr size_t max_metadata_bytes = 65536;

// PostgreSQL's numeric holds more than this; a number beyond it would fail the whole batch.
constexpr size_t max_number_bytes = 100;
constexpr int max_exponent = 1000;
constexpr const char *expected_number =
	"expected a number of at most 100 characters, its exponent from -1000 to 1000";

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
std::optional<size_t> digits_of_exponent(std::string_view number) {
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
size_t digits_of_exponents(const json::Document &document, uint32_t index) {
	size_t digits = 0;
	for (uint32_t i = index; i < document[index].end; i++)
		if (document[i].type == json::Type::number)
			digits += digits_of_exponent(document[i].text).value_or(0);
	return digits;
}

bool has_nul(std::string_view text) {
	return text.find('\0') != std::string_view::npos;
}

bool has_nul(const json::Node &node) {
	return has_nul(node.name) || has_nul(node.text);
}

// The first node in a value that jsonb does not take: NUL in a text, a number beyond numeric.
std::optional<uint32_t> find_unstorable(const json::Document &document, uint32_t index) {
	for (uint32_t i = index; i < document[index].end; i++)
		if (has_nul(document[i]) ||
			(document[i].type == json::Type::number && !digits_of_exponent(document[i].text)))
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
	add(pointer_to_member(name), std::move(detail));
}

void ObjectReader::add(std::string pointer, std::string detail) {
	if (errors_.size() < max_errors)
		errors_.push_back({std::move(pointer), std::move(detail)});
}

std::string ObjectReader::pointer_to_member(std::string_view name) const {
	return element(pointer_, name);
}

std::optional<uint32_t> ObjectReader::find(std::string_view name) {
	known_.push_back(name);
	return document_.member(object_, name);
}

// Nothing for null either.
std::optional<uint32_t> ObjectReader::find_value(std::string_view name) {
	const auto index = find(name);
	return index && document_[*index].type != json::Type::null ? index : std::nullopt;
}

int64_t ObjectReader::id(uint32_t index, std::string pointer) {
	const json::Node &node = document_[index];
	const auto id = node.type == json::Type::string ? parse_id(node.text) : std::nullopt;
	if (!id)
		add(std::move(pointer),
			"expected an id: a string of digits without a leading zero, at most "
			"9223372036854775807");
	return id.value_or(0);
}

int64_t ObjectReader::required_id(std::string_view name) {
	if (const auto index = find(name))
		return id(*index, pointer_to_member(name));
	fail(name, "is missing");
	return 0;
}

std::optional<int64_t> ObjectReader::optional_id(std::string_view name) {
	return find_value(name) ? std::optional(required_id(name)) : std::nullopt;
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

std::optional<int64_t> ObjectReader::optional_amount(std::string_view name) {
	return find_value(name) ? std::optional(required_amount(name)) : std::nullopt;
}

std::optional<int64_t> ObjectReader::optional_integer(std::string_view name) {
	const auto index = find_value(name);
	if (!index)
		return std::nullopt;
	if (document_[*index].type == json::Type::integer)
		return document_[*index].integer;
	fail(name, "expected an integer or null");
	return std::nullopt;
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
	uint32_t index, std::string pointer, size_t max_bytes) {
	const json::Node &node = document_[index];
	if (node.type == json::Type::string && node.text.size() <= max_bytes && !has_nul(node.text))
		return std::string(node.text);
	add(std::move(pointer),
		"expected a string of at most " + std::to_string(max_bytes) + " bytes without U+0000");
	return std::nullopt;
}

std::string ObjectReader::required_text(std::string_view name, size_t max_bytes) {
	const auto index = find(name);
	if (!index) {
		fail(name, "is missing");
		return "";
	}
	if (document_[*index].type == json::Type::string && document_[*index].text.empty())
		fail(name, "is empty");
	return text(*index, pointer_to_member(name), max_bytes).value_or("");
}

std::optional<std::string> ObjectReader::optional_text(std::string_view name, size_t max_bytes) {
	const auto index = find_value(name);
	return index ? text(*index, pointer_to_member(name), max_bytes) : std::nullopt;
}

std::optional<std::string> ObjectReader::optional_object(std::string_view name) {
	const auto index = find_value(name);
	if (!index)
		return std::nullopt;
	std::string value;
	if (document_[*index].type != json::Type::object)
		fail(name, "expected an object or null");
	else if (const auto wrong = find_unstorable(document_, *index))
		add(pointer_to(document_, *index, *wrong, pointer_to_member(name)),
			has_nul(document_[*wrong]) ? "has a text with U+0000" : expected_number);
	else if (document_.append_text(*index, &value);
			 value.size() + digits_of_exponents(document_, *index) > max_metadata_bytes)
		fail(name, "has more than " + std::to_string(max_metadata_bytes) +
					   " bytes, numbers with an exponent written out");
	else
		return value;
	return std::nullopt;
}

std::optional<uint32_t> ObjectReader::array(std::string_view name, size_t max_size) {
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

std::vector<int64_t> ObjectReader::required_ids(std::string_view name, size_t max_size) {
	std::vector<int64_t> ids;
	each_element(name, max_size,
		[&](uint32_t index, std::string pointer) { ids.push_back(id(index, std::move(pointer))); });
	return ids;
}

// The harmless amount is 1: nothing but 0 would be a fault of its own.
std::vector<int64_t> ObjectReader::required_capture_amounts(
	std::string_view name, size_t max_size) {
	std::vector<int64_t> amounts;
	each_element(name, max_size, [&](uint32_t index, std::string pointer) {
		const json::Node &node = document_[index];
		const bool valid = node.type == json::Type::integer && node.integer >= 0;
		if (!valid)
			add(std::move(pointer), "expected an integer from 0 to what is held, in minor units");
		amounts.push_back(valid ? node.integer : 1);
	});
	return amounts;
}

std::vector<std::optional<std::string>> ObjectReader::required_texts(
	std::string_view name, size_t max_size, size_t max_bytes) {
	std::vector<std::optional<std::string>> texts;
	each_element(name, max_size, [&](uint32_t index, std::string pointer) {
		texts.push_back(text(index, std::move(pointer), max_bytes));
	});
	return texts;
}

size_t ObjectReader::exponent_digits(std::string_view name) {
	const auto index = find(name);
	return index ? digits_of_exponents(document_, *index) : 0;
}

std::string ObjectReader::as_text() const {
	std::string text;
	document_.append_text(object_, &text);
	return text;
}

void ObjectReader::finish() {
	document_.for_each(object_, [&](uint32_t i) {
		if (std::ranges::find(known_, document_[i].name) == known_.end())
			fail(document_[i].name, "is not a member of this object");
	});
}

} // namespace tokpay
