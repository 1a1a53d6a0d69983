/// The path and the query of a URL, decoded.
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

/// A path with its escapes undone. Nothing for a broken escape, or one of a NUL.
[[nodiscard]] std::optional<std::string> decode_url_path(std::string_view path);

}  // namespace jobwatchdog
