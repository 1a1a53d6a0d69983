/// A rule as the text of its `[[rule]]` in jobwatchdog.toml.
#pragma once

#include <string>

#include "core/rule.hpp"

namespace jobwatchdog {

/// The rule as TOML, one field a line, fields at their defaults left out; reading it gives the same rule.
/** Source: design.md section 4. */
[[nodiscard]] std::string rule_as_toml(const Rule& rule);

/// A text as a TOML basic string with its quotes.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace jobwatchdog
