/// The tools as the names of functions spell them.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace jobwatchdog {

/// "runninghub-veste-ai" -> "veste_ai"; "" for a function that is no tool's.
[[nodiscard]] inline std::string tool_of_function(const std::string& function) {
  constexpr std::string_view beginning = "runninghub-";
  if (!function.starts_with(beginning)) return "";
  std::string tool = function.substr(beginning.size());
  std::replace(tool.begin(), tool.end(), '-', '_');
  return tool;
}

}  // namespace jobwatchdog
