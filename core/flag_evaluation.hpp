/// What a flag is for whom: pure, so that the browser, the server and the command line give one answer.
#pragma once

#include <string>
#include <string_view>

#include "core/flag_definition.hpp"
#include "core/flag_registry.hpp"

namespace jobwatchdog {

/// For whom a flag is asked; "" = not known.
struct FlagContext {
  std::string user;
  std::string tool;
  std::string session;
};

/// Why a flag has its value, in the words of OpenFeature.
enum class FlagReason {
  fixed,            ///< STATIC: the definition is one plain value.
  by_default,       ///< DEFAULT: no rule that asks matched, or no source knows the flag.
  targeting_match,  ///< TARGETING_MATCH: a rule with conditions matched.
  split,            ///< SPLIT: a rule with a percentage matched.
  disabled,         ///< DISABLED: the kill switch.
  error,  ///< ERROR: the definition cannot be obeyed, or no source could be read; the code default holds.
};

/// A resolution as OpenFeature shapes it.
struct FlagEvaluation {
  FlagValue value;
  std::string variant;  ///< "rule 2" when a rule of several gave the value; else "".
  FlagReason reason{FlagReason::by_default};
  FlagErrorCode error_code{FlagErrorCode::none};
  std::string error_message;
};

/// What became of one rule, for those who want to know why.
struct FlagRuleFate {
  enum class Kind { matches, condition_fails, field_is_missing, outside_of_share };

  Kind kind{Kind::matches};
  FlagField field{FlagField::user};  ///< What a condition or the percentage asked for.
  int bucket{0};                     ///< 1 to 100 when a percentage was asked; else 0.
};

/// The code default, when no source knows the flag.
[[nodiscard]] FlagEvaluation default_evaluation(const KnownFlag& flag);

/// The code default, because of a problem.
[[nodiscard]] FlagEvaluation failed_evaluation(const KnownFlag& flag, FlagErrorCode code,
                                               std::string message);

/// The value of the first rule that matches; the code default when none does.
[[nodiscard]] FlagEvaluation evaluate_flag(const KnownFlag& flag, const FlagDefinition& definition,
                                           const FlagContext& context);

/// The same from names and text: one call for whoever holds nothing else. An unknown name gives false and an
/// error.
[[nodiscard]] FlagEvaluation evaluate_flag_text(std::string_view name, std::string_view definition,
                                                const FlagContext& context);

/// Whether one rule matches, and why not.
[[nodiscard]] FlagRuleFate fate_of_rule(const KnownFlag& flag, const FlagRule& rule,
                                        const FlagContext& context);

/// Where an id stands among 1 to 100: always the same place for a group and an id.
/** Percentage N takes the places up to N, so that raising it never takes anybody away. As Unleash does. */
[[nodiscard]] int flag_bucket(std::string_view group, std::string_view id);

[[nodiscard]] std::string_view flag_reason_name(FlagReason reason);  ///< "STATIC", "SPLIT", ...
[[nodiscard]] std::string_view flag_error_code_name(
    FlagErrorCode code);  ///< "PARSE_ERROR", ...; "" for none.

}  // namespace jobwatchdog
