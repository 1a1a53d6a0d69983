/// Durations as people write them: "5 min", "1 h 30 min", "90s", "250 ms".
#pragma once

#include <string>
#include <string_view>

#include "core/problem.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

/// Reads a duration: one or more of NUMBER UNIT, with units ms, s, min, h, d and their usual long forms.
/** Units:  the result is in milliseconds, between 1 ms and 10 years.
 *  Errors: a Problem whose `where` is empty (the caller knows the place): no unit, unknown unit, zero, out of
 * range. Source: design.md section 4 (`older_than = "5 min"`).
 */
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// Writes a duration for people, with its two largest units: "12 min", "1 h 30 min", "3 d 4 h", "250 ms".
[[nodiscard]] std::string duration_text(Duration duration);

/// Writes a duration of at least 1 ms with all its units, so that parse_duration() gives it back exactly.
[[nodiscard]] std::string exact_duration_text(Duration duration);

}  // namespace jobwatchdog
