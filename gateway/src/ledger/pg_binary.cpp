#include "ledger/pg_binary.hpp"

#include <boost/endian/conversion.hpp>

#include <stdexcept>

namespace tokpay::pg {

using boost::endian::endian_load;
using boost::endian::endian_store;
using boost::endian::order;

namespace {

template<class T> void append(std::string &out, T value) {
	unsigned char bytes[sizeof value];
	endian_store<T, sizeof value, order::big>(bytes, value);
	out.append(reinterpret_cast<const char *>(bytes), sizeof bytes);
}

template<class T> T read(const char *bytes) {
	return endian_load<T, sizeof(T), order::big>(reinterpret_cast<const unsigned char *>(bytes));
}

template<class T> std::string encoded(T value) {
	std::string out;
	append(out, value);
	return out;
}

// Visits the elements of a one-dimensional array in binary format, nothing for a null one.
template<class Visit> void visit_array(std::string_view value, Visit visit) {
	constexpr size_t head = 20;
	if (value.size() < 12 || read<int32_t>(value.data()) == 0)
		return;
	const int32_t count = read<int32_t>(value.data() + 12);
	size_t offset = head;
	for (int32_t i = 0; i < count; i++) {
		const int32_t size = read<int32_t>(value.data() + offset);
		offset += sizeof size;
		if (size < 0) {
			visit(std::nullopt);
			continue;
		}
		visit(std::optional(value.substr(offset, static_cast<size_t>(size))));
		offset += static_cast<size_t>(size);
	}
}

std::string_view not_null(std::optional<std::string_view> element) {
	if (!element)
		throw std::runtime_error("an array of the database has a null element");
	return *element;
}

} // namespace

void Writer::int16(int16_t value) {
	append(out_, value);
}
void Writer::int32(int32_t value) {
	append(out_, value);
}
void Writer::int64(int64_t value) {
	append(out_, value);
}

void Writer::int64_field(int64_t value) {
	int32(sizeof value);
	int64(value);
}

void Writer::text_field(std::string_view value) {
	int32(static_cast<int32_t>(value.size()));
	bytes(value);
}

void Writer::jsonb_field(std::string_view text) {
	int32(static_cast<int32_t>(text.size() + 1));
	out_.push_back(1); // version of jsonb's format
	bytes(text);
}

void Writer::array_head(uint32_t element_oid, size_t count) {
	int32(count == 0 ? 0 : 1); // dimensions
	int32(0);				   // no nulls
	int32(static_cast<int32_t>(element_oid));
	if (count == 0)
		return;
	int32(static_cast<int32_t>(count));
	int32(1); // lower bound
}

size_t Writer::begin_field() {
	int32(0);
	return out_.size();
}

void Writer::end_field(size_t begin) {
	const auto size = encoded(static_cast<int32_t>(out_.size() - begin));
	out_.replace(begin - size.size(), size.size(), size);
}

std::string_view Reader::bytes(size_t size) {
	if (bytes_.size() < size)
		throw std::runtime_error("a value of the database ends too early");
	const std::string_view taken = bytes_.substr(0, size);
	bytes_.remove_prefix(size);
	return taken;
}

uint8_t Reader::int8() {
	return static_cast<uint8_t>(bytes(1).front());
}

int32_t Reader::int32() {
	return read<int32_t>(bytes(sizeof(int32_t)).data());
}

int64_t Reader::int64() {
	return read<int64_t>(bytes(sizeof(int64_t)).data());
}

std::optional<std::string_view> Reader::field() {
	const int32_t size = int32();
	return size < 0 ? std::nullopt : std::optional(bytes(static_cast<size_t>(size)));
}

std::optional<int64_t> Reader::int64_field() {
	const auto value = field();
	return value ? std::optional(Reader(*value).int64()) : std::nullopt;
}

Parameter int8(int64_t value) {
	return {int8_oid, encoded(value)};
}

Parameter int8(std::optional<int64_t> value) {
	return value ? int8(*value) : Parameter{int8_oid, std::nullopt};
}

Parameter int8_array(std::span<const int64_t> values) {
	std::string out;
	out.reserve(20 + values.size() * 12);
	Writer writer(out);
	writer.array_head(int8_oid, values.size());
	for (const int64_t value : values)
		writer.int64_field(value);
	return {int8_array_oid, std::move(out)};
}

Parameter int4(int32_t value) {
	return {int4_oid, encoded(value)};
}

Parameter boolean(bool value) {
	constexpr uint32_t bool_oid = 16;
	return {bool_oid, std::string(1, value ? '\1' : '\0')};
}

Parameter text(std::optional<std::string> value) {
	return {text_oid, std::move(value)};
}

Parameter bytea(std::optional<std::string> octets) {
	constexpr uint32_t bytea_oid = 17;
	return {bytea_oid, std::move(octets)};
}

Parameter text_array(std::span<const std::optional<std::string>> values) {
	std::string out;
	Writer writer(out);
	writer.array_head(text_oid, values.size()); // the server looks for nulls itself
	for (const auto &value : values)
		if (value)
			writer.text_field(*value);
		else
			writer.null();
	return {text_array_oid, std::move(out)};
}

Parameter jsonb(const std::optional<std::string> &text) {
	if (!text)
		return {jsonb_oid, std::nullopt};
	return {jsonb_oid, '\x01' + *text};
}

Parameter timestamptz(std::optional<int64_t> microseconds) {
	constexpr uint32_t timestamptz_oid = 1184;
	if (!microseconds)
		return {timestamptz_oid, std::nullopt};
	return {timestamptz_oid, encoded(*microseconds)};
}

std::string_view Result::text(int row, int column) const {
	return {PQgetvalue(result_.get(), row, column),
		static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

int16_t Result::int2(int row, int column) const {
	return read<int16_t>(PQgetvalue(result_.get(), row, column));
}

int32_t Result::int4(int row, int column) const {
	return read<int32_t>(PQgetvalue(result_.get(), row, column));
}

int64_t Result::int8(int row, int column) const {
	return read<int64_t>(PQgetvalue(result_.get(), row, column));
}

bool Result::boolean(int row, int column) const {
	return *PQgetvalue(result_.get(), row, column) != 0;
}

std::vector<int64_t> Result::int8_array(int row, int column) const {
	std::vector<int64_t> values;
	visit_array(text(row, column),
		[&](auto element) { values.push_back(read<int64_t>(not_null(element).data())); });
	return values;
}

std::vector<std::optional<int64_t>> Result::optional_int8_array(int row, int column) const {
	std::vector<std::optional<int64_t>> values;
	visit_array(text(row, column), [&](std::optional<std::string_view> element) {
		values.push_back(element ? std::optional(read<int64_t>(element->data())) : std::nullopt);
	});
	return values;
}

std::vector<std::string> Result::text_array(int row, int column) const {
	std::vector<std::string> values;
	visit_array(text(row, column), [&](auto element) { values.emplace_back(not_null(element)); });
	return values;
}

std::string_view Result::jsonb(int row, int column) const {
	return text(row, column).substr(1);
}

std::optional<int64_t> Result::optional_int8(int row, int column) const {
	return is_null(row, column) ? std::nullopt : std::optional(int8(row, column));
}

std::optional<std::string_view> Result::optional_text(int row, int column) const {
	return is_null(row, column) ? std::nullopt : std::optional(text(row, column));
}

std::optional<std::string_view> Result::optional_jsonb(int row, int column) const {
	return is_null(row, column) ? std::nullopt : std::optional(jsonb(row, column));
}

} // namespace tokpay::pg
