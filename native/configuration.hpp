/// jobwatchdog.toml: reading it, and complaining about it with line and column.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/policy.hpp"
#include "core/problem.hpp"
#include "core/rule.hpp"
#include "native/database.hpp"

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
  Policy policy;
  std::vector<Rule> rules;
};

/// A complaint with its place: "jobwatchdog.toml:12:3" in `where`.
using ConfigurationProblems = std::vector<Problem>;

/// Reads the configuration from TOML text. `name` stands for the file in messages.
/** Errors: all problems of the file at once, in its order; nothing is guessed. Source: design.md section 4.
 */
[[nodiscard]] Result<Configuration, ConfigurationProblems> parse_configuration(const std::string& text,
                                                                               const std::string& name,
                                                                               const Policy& policy);

/// Finds and reads the configuration: `path` when given, else ./jobwatchdog.toml, else
/// /etc/jobwatchdog/jobwatchdog.toml, else the built-in rules.
[[nodiscard]] Result<Configuration, ConfigurationProblems> load_configuration(const std::string& path,
                                                                              const Policy& policy);

/// The policy numbers of the environment (WATCHDOG_...), over the defaults.
[[nodiscard]] Result<Policy, ConfigurationProblems> policy_of_environment();

}  // namespace jobwatchdog
