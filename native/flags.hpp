/// The flags of one process: environment before file before table before code default, read once, asked
/// often.
#pragma once

#include <string>
#include <vector>

#include "core/flag_evaluation.hpp"
#include "core/policy.hpp"
#include "native/configuration.hpp"
#include "native/flag_sources.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

/// The flag that `jobwatchdog sweep` obeys.
inline constexpr std::string_view sweep_flag = "WATCHDOG_SWEEP_ENABLED";

/// A flag for somebody: its value, why, and who says so.
struct FlagAnswer {
  FlagEvaluation evaluation;
  FlagSource source{FlagSource::code_default};
  const SetFlag* set_by{nullptr};  ///< Lives as long as the Flags; nullptr when no source sets it.
};

class Flags {
 public:
  /// Those of environment and file alone.
  [[nodiscard]] static Flags of(std::vector<SetFlag> flags);

  /// Those of environment and file, as the configuration has them, and those of the table.
  /** A table that this role may not read is told as a warning.
   *  Failure: the table cannot be read for another reason, so that nobody can say what the flags are. */
  [[nodiscard]] static Outcome<Flags> open(Connection& connection, const Configuration& configuration);

  /// What the table would say is not known: an error for every flag that no earlier source sets.
  void miss_table(std::string why) { table_problem_ = std::move(why); }

  /// As if the table set the flag so.
  void set_in_table(SetFlag flag);

  /// The first source that sets the flag decides, also when it cannot be obeyed: then the code default holds.
  [[nodiscard]] FlagAnswer ask(const KnownFlag& flag, const FlagContext& context) const;

  /// All settings of a flag, the one that decides first.
  [[nodiscard]] std::vector<const SetFlag*> settings_of(const KnownFlag& flag) const;

  [[nodiscard]] bool has_table() const { return has_table_; }
  [[nodiscard]] const std::string& table_problem() const { return table_problem_; }

 private:
  std::vector<SetFlag> flags_;  ///< In order of precedence.
  std::string table_problem_;   ///< Why the table could not be read; "" when it could, or is not there.
  bool has_table_{false};
};

/// The flag and its source, for who must say that it is off: "WATCHDOG_SWEEP_ENABLED (the environment)".
[[nodiscard]] std::string who_says(const KnownFlag& flag, const FlagAnswer& answer);

/// The policy with the numbers of these flags, for somebody.
[[nodiscard]] Policy policy_with_flags(Policy policy, const Flags& flags, const FlagContext& context);

/// What a command says of a name that is no flag.
[[nodiscard]] Failure unknown_flag(const std::string& name);

/// The flag of that name, which must be known: a wrong name is a bug.
[[nodiscard]] const KnownFlag& flag_named(std::string_view name);

}  // namespace jobwatchdog
