// SHA-256, which stands for a credential wherever one is remembered.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tokpay {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view text);

// Take the same time wherever the two differ; only of another size may be told sooner.
bool same(const Digest &a, const Digest &b);
bool same(std::string_view a, std::string_view b);

inline std::string_view octets(const Digest &digest) {
	return {reinterpret_cast<const char *>(digest.data()), digest.size()};
}

} // namespace tokpay
