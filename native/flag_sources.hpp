/// Where flags are set: the environment, the file, the table. Each gives texts; core says what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/flag_definition.hpp"
#include "core/problem.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

enum class FlagSource { environment, file, database, code_default };

[[nodiscard]] std::string flag_source_name(FlagSource source);

/// One flag as one source sets it. Not obeyed when its text cannot be read: then it has a problem.
struct SetFlag {
  FlagSource source{FlagSource::environment};
  std::string place;  ///< "the environment", "jobwatchdog.toml:4:20", "watchdog.feature_flags, version 3".
  std::string name;
  std::string text;
  FlagDefinition definition;
  std::optional<FlagProblem> problem;
};

/// The flag with its text read by core.
[[nodiscard]] SetFlag read_flag(FlagSource source, std::string place, const KnownFlag& flag,
                                std::string text);

/// The flag's problem with its place: the variable's name, or file, line and column.
[[nodiscard]] Problem problem_of(const SetFlag& flag);

/// The flags of the environment: each bears the name of its variable. An empty variable sets nothing.
[[nodiscard]] std::vector<SetFlag> flags_of_environment();

/// What the table holds, or why that cannot be known.
struct FlagTable {
  bool is_there{false};
  std::string hidden_because;  ///< Not empty: this role may not read it.
  std::vector<SetFlag> flags;
};

/// Reads the table once. A name that this binary does not know is passed over: a newer one may have set it.
/** Errors: any but a missing right or a missing table; then nobody can say what the flags are. */
[[nodiscard]] DatabaseResult<FlagTable> read_flag_table(Connection& connection);

}  // namespace jobwatchdog
