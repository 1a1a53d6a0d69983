/// jobwatchdog.toml: reading it, and complaining about it with line and column.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/policy.hpp"
#include "core/problem.hpp"
#include "core/rule.hpp"
#include "native/database.hpp"
#include "native/flag_sources.hpp"

namespace jobwatchdog {

struct Configuration {
  std::string source;        ///< The file's path, or "built-in rules".
  bool is_builtin{false};    ///< No file: the rules of the managed schema.
  std::string database_url;  ///< Of the file; "" when it names none.
  SessionSettings session;
  std::optional<int> batch_size;             ///< [sweep] batch_size
  std::optional<Duration> duration_max;      ///< [sweep] max_duration
  Duration statement_timeout{seconds(5)};    ///< [sweep] statement_timeout
  Duration lock_timeout{milliseconds(500)};  ///< [sweep] lock_timeout
  Policy policy;                             ///< With the numbers of `flags`.
  std::vector<SetFlag> flags;  ///< Of the environment, then of the file; all of them can be obeyed.
  std::vector<Rule> rules;
};

/// What the environment (WATCHDOG_...) tells of policy and flags.
struct EnvironmentSettings {
  Policy policy;  ///< Over the defaults, with the numbers of `flags`.
  std::vector<SetFlag> flags;
};

/// A complaint with its place: "jobwatchdog.toml:12:3" in `where`.
using ConfigurationProblems = std::vector<Problem>;

/// Reads the configuration from TOML text. `name` stands for the file in messages.
/** Errors: all problems of the file at once, in its order; nothing is guessed. Source: design.md section 4.
 */
[[nodiscard]] Result<Configuration, ConfigurationProblems> parse_configuration(
    const std::string& text, const std::string& name, const EnvironmentSettings& environment);

/// Finds and reads the configuration: `path` when given, else ./jobwatchdog.toml, else
/// /etc/jobwatchdog/jobwatchdog.toml, else the built-in rules.
[[nodiscard]] Result<Configuration, ConfigurationProblems> load_configuration(
    const std::string& path, const EnvironmentSettings& environment);

/// Reads the environment; a flag or a number that cannot be obeyed is a problem.
[[nodiscard]] Result<EnvironmentSettings, ConfigurationProblems> settings_of_environment();

}  // namespace jobwatchdog
