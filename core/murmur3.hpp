/// MurmurHash3, 32 bits: a hash that is the same on every machine and in every language, for stable
/// percentages.
#pragma once

#include <cstdint>
#include <string_view>

namespace jobwatchdog {

/// MurmurHash3_x86_32 by Austin Appleby, over the bytes of `text`. It spreads; it protects nothing.
[[nodiscard]] std::uint32_t murmur3(std::string_view text, std::uint32_t seed = 0);

}  // namespace jobwatchdog
