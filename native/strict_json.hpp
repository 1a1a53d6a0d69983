/// JSON that strangers wrote.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace jobwatchdog {

/// The JSON in `text`; none when it is not JSON, is deeper than 32 levels (whatever copies or writes it goes
/// as deep), or has a name twice in one object: such a one means different things to different readers.
[[nodiscard]] std::optional<nlohmann::json> parse_strictly(const std::string& text);

}  // namespace jobwatchdog
