// `jobwatchdog migrate`: bring the schema up to this binary, or say why not.
#include <algorithm>
#include <iostream>

#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

bool is_missing(const SchemaState& state, const Migration& migration) {
  return std::any_of(state.missing.begin(), state.missing.end(),
                     [&](const Migration& m) { return m.number == migration.number; });
}

void print_status(const SchemaState& state, bool as_json) {
  nlohmann::ordered_json list = nlohmann::json::array();
  std::vector<std::vector<std::string>> rows;
  for (const Migration& migration : known_migrations()) {
    const bool missing = is_missing(state, migration);
    const bool altered =
        std::find(state.altered.begin(), state.altered.end(), migration.name) != state.altered.end();
    const std::string word = missing ? "missing" : (altered ? "applied, with another text" : "applied");
    const std::string set = migration.set == MigrationSet::watch ? "watch" : "managed";
    rows.push_back({migration.name, set, word});
    list.push_back({{"name", migration.name}, {"set", set}, {"state", word}});
  }
  for (const std::string& name : state.newer) {
    rows.push_back({name, "?", "newer than this binary"});
    list.push_back({{"name", name}, {"set", nullptr}, {"state", "newer than this binary"}});
  }
  const std::string functions =
      state.functions_current ? "current" : (state.any_managed ? "of another version" : "missing");
  rows.push_back({"functions", "managed", functions});
  if (as_json) {
    std::cout << json_document({{"migrations", list}, {"functions", functions}});
  } else {
    std::cout << terminal_table({"migration", "set", "state"}, rows);
  }
}

/// Refuses to touch what belongs to somebody else.
std::optional<Failure> check_nothing_in_the_way(Connection& connection, const SchemaState& state) {
  if (state.any_managed) return std::nullopt;
  const DatabaseResult<std::vector<std::string>> objects = objects_in_the_way(connection);
  if (!objects.ok()) return failure_of("looking for tables of the same names", objects.error());
  if (objects.value().empty()) return std::nullopt;
  Failure failure{ExitCode::schema_out_of_date, {}};
  for (const std::string& object : objects.value()) failure.problems.push_back({"migrate", object, ""});
  failure.problems.push_back(
      {"migrate",
       "nothing was changed: these belong to your application, and jobwatchdog does not alter them",
       "keep them and let rules watch them: `jobwatchdog adopt`; history for that mode: `jobwatchdog migrate --watch`"});
  return failure;
}

std::optional<Failure> migrate_to(Connection& connection, const SchemaState& state, MigrationSet set,
                                  std::vector<std::string>& applied) {
  for (const Migration& migration : state.missing) {
    if (set == MigrationSet::watch && migration.set != MigrationSet::watch) continue;
    const DatabaseResult<bool> done = apply_migration(connection, migration);
    if (!done.ok()) return failure_of("migration " + migration.name, done.error());
    if (done.value()) applied.push_back(migration.name);
  }
  if (set == MigrationSet::watch || state.functions_current) return std::nullopt;
  if (auto error = apply_functions(connection)) return failure_of("functions", *error);
  applied.emplace_back("functions");
  return std::nullopt;
}

void print_applied(const std::vector<std::string>& applied, const GlobalOptions& global) {
  if (global.json) {
    std::cout << json_document({{"applied", applied}});
    return;
  }
  if (global.quiet) return;
  if (applied.empty()) std::cout << "nothing to do: the schema is up to date\n";
  for (const std::string& name : applied) std::cout << "applied " << name << "\n";
}

}  // namespace

ExitCode run_migrate(const GlobalOptions& global, const MigrateCommand& command) {
  // Rules play no part here: a broken jobwatchdog.toml must not keep the schema back.
  const Outcome<Configuration> read = open_configuration(global);
  const Configuration configuration = read.ok() ? read.value() : Configuration{};
  Outcome<Connection> opened = open_connection(global, configuration);
  if (!opened.ok()) return report(opened.error());
  Connection& connection = opened.value();
  const DatabaseResult<SchemaState> state = read_schema_state(connection);
  if (!state.ok()) return report(failure_of("reading the schema's version", state.error()));
  if (!state.value().hidden_because.empty()) {
    return report(
        {ExitCode::failure,
         {{"schema", state.value().hidden_because, "migrate as the owner of the schema watchdog"}}});
  }
  if (command.status) {
    print_status(state.value(), global.json);
    return state.value().newer_is_breaking || (state.value().any_managed && !state.value().missing.empty())
               ? ExitCode::schema_out_of_date
               : ExitCode::done;
  }
  const MigrationSet set = command.watch_only ? MigrationSet::watch : MigrationSet::managed;
  if (state.value().newer_is_breaking) {
    return report({ExitCode::schema_out_of_date,
                   {{"schema", "the database is newer than this binary", "install a newer jobwatchdog"}}});
  }
  if (set == MigrationSet::managed) {
    if (auto failure = check_nothing_in_the_way(connection, state.value())) return report(*failure);
  }
  if (command.dry_run) {
    std::cout << migration_script(state.value(), set);
    return ExitCode::done;
  }
  std::vector<std::string> applied;
  const std::optional<Failure> failure = migrate_to(connection, state.value(), set, applied);
  print_applied(applied, global);
  return failure ? report(*failure) : ExitCode::done;
}

}  // namespace jobwatchdog
