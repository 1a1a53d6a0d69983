/// What a flag is, as one line of text that every source can hold: rules in order, the first that matches
/// wins.
///
///   true if user in (u1, u2); true if tool in (upscaler) for 25% of user; false
///
///   definition = ["disabled" ";"] rule {";" rule}
///   rule       = value ["if" condition {"and" condition}] ["for" N "%" "of" field ["by" group]]
///   condition  = field ["not"] "in" "(" id {"," id} ")"
///   field      = "user" | "tool" | "session"
///   value      = "true" | "false" | whole number
///
/// An id or group with other characters than letters, digits and _ - . : @ + / stands in double quotes; a
/// quote in it is doubled. A plain `true` is a definition too. `disabled` is the kill switch: what stands
/// behind it is kept for later.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/flag_registry.hpp"
#include "core/problem.hpp"

namespace jobwatchdog {

/// What a flag can be told by.
enum class FlagField { user, tool, session };

struct FlagCondition {
  FlagField field{FlagField::user};
  bool is_negated{false};
  std::vector<std::string> ids;

  bool operator==(const FlagCondition&) const = default;
};

/// A share of all users (tools, sessions), always the same ones.
struct FlagRollout {
  int percent{0};
  FlagField field{FlagField::user};
  std::string group;  ///< Flags of one group take the same users first; "" = the flag's name.

  bool operator==(const FlagRollout&) const = default;
};

struct FlagRule {
  FlagValue value;
  std::vector<FlagCondition> conditions;  ///< All of them must hold.
  std::optional<FlagRollout> rollout;

  [[nodiscard]] bool always_matches() const { return conditions.empty() && !rollout; }
  bool operator==(const FlagRule&) const = default;
};

struct FlagDefinition {
  bool is_disabled{false};
  std::vector<FlagRule> rules;

  bool operator==(const FlagDefinition&) const = default;
};

/// The errors of OpenFeature that can happen to us.
enum class FlagErrorCode { none, flag_not_found, parse_error, type_mismatch, general };

struct FlagProblem {
  FlagErrorCode code{FlagErrorCode::parse_error};
  Problem problem;  ///< `where` is "character N" of the text.
};

/// What hostile text can cost at most.
struct FlagLimits {
  static constexpr std::size_t text_bytes_max = 16'384;
  static constexpr std::size_t rules_max = 64;
  static constexpr std::size_t conditions_max = 8;  ///< Of one rule.
  static constexpr std::size_t id_bytes_max = 200;
};

/// Reads a definition of that flag. A rule that can never be reached is refused: it would silently mean
/// nothing.
[[nodiscard]] Result<FlagDefinition, FlagProblem> parse_flag_definition(std::string_view text,
                                                                        const KnownFlag& flag);

/// The definition as text; reading it gives the same definition.
[[nodiscard]] std::string flag_definition_text(const FlagDefinition& definition);

/// "user", "tool" or "session".
[[nodiscard]] std::string_view flag_field_name(FlagField field);

}  // namespace jobwatchdog
