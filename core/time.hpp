/// Instants and durations as distinct types, so that the two cannot be swapped. No clock lives here.
#pragma once

#include <compare>
#include <cstdint>

namespace jobwatchdog {

/// A length of time in milliseconds.
struct Duration {
  std::int64_t ms{};

  auto operator<=>(const Duration&) const = default;
};

/// A point in time: milliseconds since 1970-01-01 UTC by the database's clock.
struct Instant {
  std::int64_t ms{};

  auto operator<=>(const Instant&) const = default;
};

[[nodiscard]] constexpr Duration operator-(Instant later, Instant earlier) { return {later.ms - earlier.ms}; }
[[nodiscard]] constexpr Instant operator+(Instant instant, Duration later) { return {instant.ms + later.ms}; }
[[nodiscard]] constexpr Duration operator+(Duration a, Duration b) { return {a.ms + b.ms}; }
[[nodiscard]] constexpr Duration operator-(Duration a, Duration b) { return {a.ms - b.ms}; }

[[nodiscard]] constexpr Duration milliseconds(std::int64_t count) { return {count}; }
[[nodiscard]] constexpr Duration seconds(std::int64_t count) { return {count * 1'000}; }
[[nodiscard]] constexpr Duration minutes(std::int64_t count) { return {count * 60'000}; }

}  // namespace jobwatchdog
