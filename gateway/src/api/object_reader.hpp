// Reads the members of JSON objects: each checked, every fault collected with a pointer to it.
#pragma once

#include "http/http.hpp"
#include "text/json_reader.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay {

// An id of the ledger as the wire has it: ^[1-9][0-9]{0,18}$ within int64.
std::optional<int64_t> parse_id(std::string_view text);

// Of a balance, as in the ledger; the lowest is as far below 0.
constexpr int64_t highest_limit = int64_t{1} << 62;

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

	// Arrays have 1 to max_size elements.
	std::vector<int64_t> required_ids(std::string_view name, size_t max_size);
	std::vector<int64_t> required_capture_amounts(std::string_view name, size_t max_size); // from 0
	std::vector<std::optional<std::string>> required_texts(
		std::string_view name, size_t max_size, size_t max_bytes); // none of them is missing

	// Calls read(members) for each element that is an object. False where there is no such array.
	template<class Read> bool required_objects(std::string_view name, size_t max_size, Read read) {
		return each_element(name, max_size, [&](uint32_t index, const std::string &pointer) {
			if (document_[index].type != json::Type::object)
				return add(pointer, "expected an object");
			ObjectReader members(document_, index, pointer, errors_);
			read(members);
			members.finish();
		});
	}

	// Faults a member that is there and none of these strings.
	void check_choice(std::string_view name, std::initializer_list<std::string_view> choices);
	void fail(std::string_view name, std::string detail);
	void finish();

	// How many digits jsonb writes, at most, for the exponents of all numbers in a member.
	size_t exponent_digits(std::string_view name);

	// The whole object as JSON text.
	std::string as_text() const;

private:
	void add(std::string pointer, std::string detail);
	std::optional<uint32_t> find(std::string_view name);
	std::optional<uint32_t> find_value(std::string_view name);
	std::string pointer_to_member(std::string_view name) const;
	int64_t id(uint32_t index, std::string pointer);
	std::optional<std::string> text(uint32_t index, std::string pointer, size_t max_bytes);
	std::optional<uint32_t> array(std::string_view name, size_t max_size);

	// Calls visit(index, pointer) for each element of an array.
	template<class Visit> bool each_element(std::string_view name, size_t max_size, Visit visit) {
		const auto elements = array(name, max_size);
		if (!elements)
			return false;
		size_t position = 0;
		const std::string pointer = pointer_to_member(name) + '/';
		document_.for_each(
			*elements, [&](uint32_t index) { visit(index, pointer + std::to_string(position++)); });
		return true;
	}

	const json::Document &document_;
	uint32_t object_;
	std::string pointer_;
	std::vector<FieldError> &errors_;
	std::vector<std::string_view> known_;
};

} // namespace tokpay
