/// The header Retry-After: how long a server wants to be left alone, in seconds or until a date.
#pragma once

#include <optional>
#include <string_view>

#include "core/time.hpp"

namespace jobwatchdog {

/// Longer than this nobody is obeyed: one wrong header must not silence us for a day.
inline constexpr Duration retry_after_max = minutes(10);

/// The rest that `value` asks for, 0..`retry_after_max`; none when it cannot be read.
/** A date is compared with `date`, the header Date of the same reply: so only the server's clock counts. */
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value, std::string_view date);

}  // namespace jobwatchdog
