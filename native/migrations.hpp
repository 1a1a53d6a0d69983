/// Migrations: forward only, numbered, one transaction each, safe when two runners meet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "native/database.hpp"

namespace jobwatchdog {

enum class MigrationSet {
  watch,    ///< The schema `watchdog` with the history of sweeps: for watch mode on any database.
  managed,  ///< The whole life of jobs: tables, credits, functions.
};

struct Migration {
  int number{};
  std::string name;
  MigrationSet set{MigrationSet::managed};
  bool breaking{false};  ///< An older binary must not work on a schema that has it.
  std::string sql;
};

/// What a database has of what this binary carries.
struct SchemaState {
  bool has_watch{false};    ///< Every watch migration is there.
  bool has_managed{false};  ///< Every managed migration is there.
  bool any_watch{false};
  bool any_managed{false};
  bool functions_current{false};   ///< The functions are those of this binary.
  std::vector<Migration> missing;  ///< In order.
  std::vector<std::string> newer;  ///< Names of migrations that this binary does not know.
  bool newer_is_breaking{false};
  std::string hidden_because;        ///< Not empty: this role may not look, and all of the above is unknown.
  std::vector<std::string> altered;  ///< Applied with another text than this binary carries.
};

/// The migrations that this binary carries, in order.
[[nodiscard]] const std::vector<Migration>& known_migrations();

[[nodiscard]] DatabaseResult<SchemaState> read_schema_state(Connection& connection);

/// Tables and functions of the managed schema that exist already although we never made them, each with how
/// it differs from ours. Not empty = migrating would alter what belongs to somebody else.
[[nodiscard]] DatabaseResult<std::vector<std::string>> objects_in_the_way(Connection& connection);

/// Applies one migration. Gives false when another runner has done it meanwhile.
[[nodiscard]] DatabaseResult<bool> apply_migration(Connection& connection, const Migration& migration);

/// Creates or replaces all functions of the managed schema, in one transaction.
[[nodiscard]] std::optional<DatabaseError> apply_functions(Connection& connection);

/// The SQL that `migrate` would run for `set`, as one script.
[[nodiscard]] std::string migration_script(const SchemaState& state, MigrationSet set);

}  // namespace jobwatchdog
