/// The time of day here, for tokens and keys, whose times others tell. Decisions about jobs never use it: the
/// database's clock does that.
#pragma once

#include <cstdint>
#include <ctime>

namespace jobwatchdog {

/// Milliseconds since 1970, in whole seconds.
[[nodiscard]] inline std::int64_t wall_clock_ms() { return std::int64_t{std::time(nullptr)} * 1000; }

}  // namespace jobwatchdog
