// PostgreSQL's binary formats of the few types that cross the border: parameters out, results in.
// Source: array_recv, record_recv, int8recv and timestamptz_send of PostgreSQL's utils/adt.
#pragma once

#include <libpq-fe.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tokpay::pg {

// Type oids of pg_type.dat; they never change.
constexpr uint32_t int8_oid = 20;
constexpr uint32_t int4_oid = 23;
constexpr uint32_t text_oid = 25;
constexpr uint32_t int8_array_oid = 1016;
constexpr uint32_t text_array_oid = 1009;
constexpr uint32_t jsonb_oid = 3802;

// Appends values in network byte order.
class Writer {
public:
	explicit Writer(std::string &out) : out_(out) {}

	void int16(int16_t value);
	void int32(int32_t value);
	void int64(int64_t value);
	void bytes(std::string_view value) { out_.append(value); }

	// A field of a record, or an element of an array: its length, then itself.
	void null() { int32(-1); }
	void int64_field(int64_t value);
	void text_field(std::string_view value);
	void jsonb_field(std::string_view text);

	// The head of a one-dimensional array without nulls; its elements follow as fields.
	void array_head(uint32_t element_oid, size_t count);

	// Reserves a length to be filled in by end_field.
	size_t begin_field();
	void end_field(size_t begin);

private:
	std::string &out_;
};

// Takes values off the front of bytes in network order; throws where there are too few of them.
class Reader {
public:
	explicit Reader(std::string_view bytes = {}) : bytes_(bytes) {}

	bool empty() const { return bytes_.empty(); }
	std::string_view rest() const { return bytes_; }
	uint8_t int8();
	int32_t int32();
	int64_t int64();
	std::string_view bytes(size_t size);

	// A field with its size before it; nothing for a null.
	std::optional<std::string_view> field();
	std::optional<int64_t> int64_field();

private:
	std::string_view bytes_;
};

// A parameter in binary format, or null.
struct Parameter {
	uint32_t type; // 0: the server infers it
	std::optional<std::string> value;
};

Parameter int8(int64_t value);
Parameter int8(std::optional<int64_t> value);
Parameter int8_array(std::span<const int64_t> values);
Parameter int4(int32_t value);
Parameter boolean(bool value);
Parameter text(std::optional<std::string> value);
Parameter bytea(std::optional<std::string> octets);
Parameter text_array(std::span<const std::optional<std::string>> values);
Parameter jsonb(const std::optional<std::string> &text);
Parameter timestamptz(std::optional<int64_t> microseconds); // since 2000-01-01 UTC

// A result of a query in binary format. Copies share it, and texts are views of it.
class Result {
public:
	Result() = default;
	explicit Result(PGresult *result) : result_(result, PQclear) {}

	int rows() const { return PQntuples(result_.get()); }
	bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }
	std::string_view text(int row, int column) const;
	int32_t int4(int row, int column) const;
	int64_t int8(int row, int column) const;
	int16_t int2(int row, int column) const;
	bool boolean(int row, int column) const;
	std::vector<int64_t> int8_array(int row, int column) const;
	// The same with nulls among the elements; empty for a null.
	std::vector<std::optional<int64_t>> optional_int8_array(int row, int column) const;
	std::vector<std::string> text_array(int row, int column) const;
	std::string_view jsonb(int row, int column) const; // its text

	std::optional<int64_t> optional_int8(int row, int column) const;
	std::optional<std::string_view> optional_text(int row, int column) const;
	std::optional<std::string_view> optional_jsonb(int row, int column) const;

private:
	std::shared_ptr<PGresult> result_;
};

} // namespace tokpay::pg
