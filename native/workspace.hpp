/// What most commands begin with: configuration, connection, and a schema that fits; or a failure told in
/// words.
#pragma once

#include <optional>
#include <string>

#include "native/configuration.hpp"
#include "native/database.hpp"
#include "native/exit_code.hpp"
#include "native/migrations.hpp"

namespace jobwatchdog {

/// Options that every command takes.
struct GlobalOptions {
  std::string database_url;  ///< --database-url or DATABASE_URL
  std::string config_path;   ///< --config or WATCHDOG_CONFIG
  bool json{false};
  bool quiet{false};
};

/// Why a command ends, and what it exits with.
struct Failure {
  ExitCode code{ExitCode::failure};
  std::vector<Problem> problems;
};

template <typename Value>
using Outcome = Result<Value, Failure>;

/// Prints the problems to stderr, each as what, where and how to mend it; gives the exit code.
[[nodiscard]] ExitCode report(const Failure& failure);

/// Reads environment and file. Failure: configuration.
[[nodiscard]] Outcome<Configuration> open_configuration(const GlobalOptions& options);

/// Warns when the connection is to a standby: what is read there is the primary's past.
void warn_of_standby(Connection& connection);

/// The URL that open_connection() uses; "" leaves all to PG*.
[[nodiscard]] std::string database_url(const GlobalOptions& options, const Configuration& configuration);

/// Connects to the primary: --database-url > DATABASE_URL > [database] url > PG*. Failure: unreachable.
[[nodiscard]] Outcome<Connection> open_connection(const GlobalOptions& options,
                                                  const Configuration& configuration);

/// The state of the schema; a failure (out of date) when this binary must not work on it with these rules.
[[nodiscard]] Outcome<SchemaState> open_schema(Connection& connection, const Configuration& configuration);

/// Connects, and makes sure that the managed schema is there and fits.
[[nodiscard]] Outcome<Connection> open_managed(const GlobalOptions& options,
                                               const Configuration& configuration);

/// Lets the built-in rule over jobs watch the tables of all tools that the managed schema knows, also those
/// that were added to it. Failure: they could not be read.
[[nodiscard]] std::optional<Failure> watch_added_tools(Connection& connection, Configuration& configuration);

/// A database error in the middle of a command.
[[nodiscard]] Failure failure_of(const std::string& doing, const DatabaseError& error);

}  // namespace jobwatchdog
