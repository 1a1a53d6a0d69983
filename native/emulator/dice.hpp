/// Draws that depend on nothing but a seed and what they are drawn for, so that everything can be replayed.
#pragma once

#include <cstdint>
#include <string>

#include "core/murmur3.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(std::to_string(seed)) {}

  /// Any of 32 bits. `purpose` is one word a kind of draw, `subject` and `occasion` tell draws apart.
  [[nodiscard]] std::uint32_t draw(const char* purpose, std::uint64_t subject, int occasion = 0) const {
    return murmur3(seed_ + "/" + purpose + "/" + std::to_string(subject) + "/" + std::to_string(occasion));
  }
  /// Whether something happens that does so in so many of a thousand cases.
  [[nodiscard]] bool strikes(int permille, const char* purpose, std::uint64_t subject,
                             int occasion = 0) const {
    return permille > 0 && draw(purpose, subject, occasion) % 1'000 < static_cast<std::uint32_t>(permille);
  }
  /// Between the two, both included.
  [[nodiscard]] Duration between(Duration least, Duration most, const char* purpose,
                                 std::uint64_t subject) const {
    const auto width = static_cast<std::uint64_t>(most.ms - least.ms) + 1;
    return least + Duration{static_cast<std::int64_t>(draw(purpose, subject) % width)};
  }

 private:
  std::string seed_;
};

}  // namespace jobwatchdog
