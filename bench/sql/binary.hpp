// Parameters in PostgreSQL's binary format. A parameter is laid out once; each call then only
// overwrites its numbers and keys in place. Source: array_recv, record_recv and int8recv.
#pragma once

#include <libpq-fe.h>

#include <endian.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace tokpay::bench {

// Type oids of pg_type.dat; they never change.
constexpr Oid int8_oid = 20;
constexpr Oid text_oid = 25;
constexpr Oid int8_array_oid = 1016;

inline void put_int8(char *at, int64_t value) {
	const uint64_t bits = htobe64(static_cast<uint64_t>(value));
	std::memcpy(at, &bits, sizeof bits);
}

inline int64_t get_int8(const char *at) {
	uint64_t bits;
	std::memcpy(&bits, at, sizeof bits);
	return static_cast<int64_t>(be64toh(bits));
}

inline void append_int4(std::string &out, int64_t value) {
	const uint32_t bits = htobe32(static_cast<uint32_t>(value));
	out.append(reinterpret_cast<const char *>(&bits), sizeof bits);
}

// The head of a one-dimensional array without nulls.
inline void append_array_head(std::string &out, Oid element, int64_t count) {
	for (const int64_t word : {int64_t{1}, int64_t{0}, int64_t{element}, count, int64_t{1}})
		append_int4(out, word); // dimensions, nulls, type, elements, lower bound
}

// Where the elements of a bigint[] lie.
struct Int8Array {
	static constexpr size_t head_size = 20;
	static constexpr size_t element_size = 4 + 8;

	static void append(std::string &out, int64_t count) {
		append_array_head(out, int8_oid, count);
		for (int64_t i = 0; i < count; i++) {
			append_int4(out, 8);
			out.append(8, '\0');
		}
	}

	// The i-th value of the array that begins at array.
	static char *value(char *array, size_t i) { return array + head_size + i * element_size + 4; }
};

} // namespace tokpay::bench
