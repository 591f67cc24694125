// What every fuzz target has: libFuzzer's entry point, and a check that stops it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace tokpay::fuzz {

inline std::string_view text(const uint8_t *data, size_t size) {
	return {reinterpret_cast<const char *>(data), size};
}

// libFuzzer keeps the input that made this abort.
inline void check(bool holds) {
	if (!holds)
		std::abort();
}

} // namespace tokpay::fuzz
