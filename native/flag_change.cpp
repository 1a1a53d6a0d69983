// Checking a change of a flag.
#include "native/flag_change.hpp"

#include "core/sql_text.hpp"

namespace jobwatchdog {
namespace {

SetFlag as_set(const KnownFlag& flag, const FlagChange& change) {
  return read_flag(FlagSource::database, "the change", flag, change.definition);
}

}  // namespace

std::optional<Problem> problem_of_change(const KnownFlag& flag, const FlagChange& change) {
  if (change.reason.find_first_not_of(" \t\n") == std::string::npos || !is_storable_text(change.reason))
    return Problem{"--reason", "it is blank or no text", "say why the flag is changed"};
  if (change.unset != change.definition.empty())
    return Problem{"flags set", "either a definition or --unset is wanted",
                   "give one of them: jobwatchdog flags set NAME true --reason TEXT"};
  if (change.unset) return std::nullopt;
  const SetFlag set = as_set(flag, change);
  if (set.problem) return problem_of(set);
  if (!is_storable_text(change.definition))
    return Problem{"flags set", "the definition is not UTF-8", "write it in UTF-8"};
  return std::nullopt;
}

std::vector<Problem> problems_together(const KnownFlag& flag, const FlagChange& change, Flags flags,
                                       const Policy& policy) {
  if (change.unset) return {};
  flags.set_in_table(as_set(flag, change));
  return validate_policy(policy_with_flags(policy, flags, {}));
}

std::vector<Text> parameters_of_change(const KnownFlag& flag, const FlagChange& change) {
  const Text definition = change.unset ? Text{} : Text{flag_definition_text(as_set(flag, change).definition)};
  return {change.name, definition, change.reason,
          change.expected_version ? Text{std::to_string(*change.expected_version)} : Text{}};
}

}  // namespace jobwatchdog
