/// Draws from a seed: the same on every machine, and cheap.
#pragma once

#include <cstdint>

#include "core/time.hpp"

namespace jobwatchdog::test {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed * 0x9E37'79B9'7F4A'7C15ULL + 1) {}

  /// 64 bits (splitmix64).
  std::uint64_t draw() {
    std::uint64_t z = (state_ += 0x9E37'79B9'7F4A'7C15ULL);
    z = (z ^ (z >> 30U)) * 0xBF58'476D'1CE4'E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D0'49BB'1331'11EBULL;
    return z ^ (z >> 31U);
  }
  /// 0..count-1.
  int below(int count) { return static_cast<int>(draw() % static_cast<std::uint64_t>(count)); }
  /// Both included.
  int between(int least, int most) { return least + below(most - least + 1); }
  Duration between(Duration least, Duration most) {
    return least +
           Duration{static_cast<std::int64_t>(draw() % static_cast<std::uint64_t>(most.ms - least.ms + 1))};
  }
  bool strikes(int permille) { return permille > 0 && below(1'000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace jobwatchdog::test
