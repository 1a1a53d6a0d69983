/// The query of a URL, decoded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobwatchdog {

/// Names and values in their order; "+" is a blank. Nothing for a broken escape, or one of a NUL.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_url_query(
    std::string_view query);

}  // namespace jobwatchdog
