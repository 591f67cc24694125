// SHA-256, which stands for a credential wherever one is remembered.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tokpay {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text);

// Takes the same time wherever the two differ.
bool same(const Digest &a, const Digest &b);

inline std::string_view octets(const Digest &digest) {
	return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

} // namespace tokpay
