/// Setting a flag in the database: what is checked before, whoever sets it, and the one statement that does
/// it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/policy.hpp"
#include "core/problem.hpp"
#include "native/flags.hpp"

namespace jobwatchdog {

struct FlagChange {
  std::string name;
  std::string definition;
  bool unset{false};  ///< Take it back; then there is no definition.
  std::string reason;
  std::optional<std::int64_t> expected_version;  ///< Of the flag before the change.
};

/// Why the change cannot be made, whatever else is set.
[[nodiscard]] std::optional<Problem> problem_of_change(const KnownFlag& flag, const FlagChange& change);

/// Whether the numbers of the flags would still make a policy, for nobody in particular.
[[nodiscard]] std::vector<Problem> problems_together(const KnownFlag& flag, const FlagChange& change,
                                                     Flags flags, const Policy& policy);

/// Gives one row: is_set, version, definition, updated_at, updated_by. Not set: the version was another.
inline constexpr const char* set_flag_sql =
    "SELECT is_set, version, definition, updated_at, updated_by FROM watchdog.set_feature_flag($1, $2, $3, $4)";
[[nodiscard]] std::vector<Text> parameters_of_change(const KnownFlag& flag, const FlagChange& change);

}  // namespace jobwatchdog
