/// The feature flags that there are: name, type, code default, range, meaning. A name that is not here is no
/// flag.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jobwatchdog {

enum class FlagType { boolean, number };

/// What a flag can be: true or false, or a whole number.
struct FlagValue {
  FlagType type{FlagType::boolean};
  std::int64_t number{0};  ///< Of a boolean: 1 is true.

  [[nodiscard]] bool is_on() const { return number != 0; }
  bool operator==(const FlagValue&) const = default;
};

struct KnownFlag {
  std::string_view name;  ///< Also the name of its environment variable.
  FlagType type;
  std::int64_t code_default;  ///< What holds when no source knows the flag, or none can be read.
  std::int64_t killed;        ///< What its kill switch gives: a boolean is off, a number is the code default.
  std::int64_t least;
  std::int64_t most;
  std::string_view unit;  ///< "" or "ms".
  std::string_view meaning;
};

/// All flags, in the order in which they are told. Source: design.md section 3, Policy.
[[nodiscard]] std::span<const KnownFlag> known_flags();

/// The flag of that name; nullptr when there is none.
[[nodiscard]] const KnownFlag* find_flag(std::string_view name);

/// All names, for "did you mean".
[[nodiscard]] std::vector<std::string> flag_names();

/// "true", "false" or "30000".
[[nodiscard]] std::string flag_value_text(const FlagValue& value);

}  // namespace jobwatchdog
