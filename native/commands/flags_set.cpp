// `jobwatchdog flags set | history`: changing a flag in the database, and who changed it before.
#include <iostream>

#include "native/commands.hpp"
#include "native/flag_change.hpp"
#include "native/flags.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

/// A database whose table of flags is there and may be read.
struct FlagDatabase {
  Configuration configuration;
  Connection connection;
  Flags flags;
};

Outcome<FlagDatabase> open_flag_database(const GlobalOptions& global) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return configuration.error();
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (!connection.ok()) return connection.error();
  const Outcome<Flags> flags = Flags::open(connection.value(), configuration.value());
  if (!flags.ok()) return flags.error();
  if (!flags.value().table_problem().empty())
    return Failure{ExitCode::failure,
                   {{"flags", flags.value().table_problem(), "see README, \"The rights it needs\""}}};
  if (!flags.value().has_table())
    return Failure{
        ExitCode::schema_out_of_date,
        {{"flags", "the database has no table watchdog.feature_flags",
          "run `jobwatchdog migrate`, or beside tables of your own `jobwatchdog migrate --watch`"}}};
  return FlagDatabase{configuration.value(), std::move(connection.value()), flags.value()};
}

Failure conflict(const KnownFlag& flag, const Rows& rows, std::int64_t expected_version) {
  std::string now = "it was never set (version 0)";
  if (rows.integer(0, "version") > 0) {
    now = "it is at version " + rows.text(0, "version") + ", " +
          rows.at(0, "definition").value_or("not set") + ", since " + rows.text(0, "updated_at") + " by " +
          rows.text(0, "updated_by");
  }
  return {ExitCode::failure,
          {{std::string{flag.name},
            "nothing was changed: version " + std::to_string(expected_version) + " was expected, and " + now,
            "look at `jobwatchdog flags history " + std::string{flag.name} + "`, then set it again"}}};
}

void print_set(const KnownFlag& flag, const Rows& rows, const Flags& flags, const GlobalOptions& global) {
  const Text definition = rows.at(0, "definition");
  if (global.json) {
    std::cout << json_document({{"key", flag.name},
                                {"definition", definition ? Json(*definition) : Json()},
                                {"version", rows.integer(0, "version")},
                                {"updated_at", rows.text(0, "updated_at")},
                                {"updated_by", rows.text(0, "updated_by")}});
  } else if (!global.quiet) {
    std::cout << flag.name << (definition ? " is set to: " + *definition : " is not set any more")
              << " (version " << rows.text(0, "version") << ")\n";
  }
  for (const SetFlag* set : flags.settings_of(flag)) {
    if (set->source != FlagSource::database)
      log(LogLevel::warning,
          set->place + " sets " + std::string{flag.name} + " too, and comes before the database");
  }
}

Json json_of(const Text& text) { return text ? Json(*text) : Json(); }

void print_history(const std::string& name, const Rows& rows, bool as_json) {
  Json list = Json::array();
  std::vector<std::vector<std::string>> cells;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Text from = rows.at(i, "old_definition");
    const Text to = rows.at(i, "new_definition");
    list.push_back({{"version", rows.integer(i, "version")},
                    {"changed_at", rows.text(i, "changed_at")},
                    {"changed_by", rows.text(i, "changed_by")},
                    {"old", json_of(from)},
                    {"new", json_of(to)},
                    {"reason", rows.text(i, "reason")}});
    cells.push_back({rows.text(i, "version"), rows.text(i, "changed_at"), rows.text(i, "changed_by"),
                     from.value_or("-"), to.value_or("-"), rows.text(i, "reason")});
  }
  if (as_json) {
    std::cout << json_document({{"key", name}, {"history", list}});
  } else {
    std::cout << terminal_table({"version", "when", "who", "from", "to", "why"}, cells);
  }
}

}  // namespace

ExitCode run_flags_set(const GlobalOptions& global, const FlagChange& change) {
  const KnownFlag* flag = find_flag(change.name);
  if (flag == nullptr) return report(unknown_flag(change.name));
  if (auto problem = problem_of_change(*flag, change)) return report({ExitCode::usage, {*problem}});
  Outcome<FlagDatabase> database = open_flag_database(global);
  if (!database.ok()) return report(database.error());
  const Flags& flags = database.value().flags;
  const std::vector<Problem> problems =
      problems_together(*flag, change, flags, database.value().configuration.policy);
  if (!problems.empty()) return report({ExitCode::usage, problems});
  const DatabaseResult<Rows> rows =
      database.value().connection.query(set_flag_sql, parameters_of_change(*flag, change), {});
  if (!rows.ok()) return report(failure_of("setting " + change.name, rows.error()));
  if (!rows.value().boolean(0, "is_set"))
    return report(conflict(*flag, rows.value(), change.expected_version.value_or(0)));
  print_set(*flag, rows.value(), flags, global);
  return ExitCode::done;
}

ExitCode run_flags_history(const GlobalOptions& global, const std::string& name) {
  if (find_flag(name) == nullptr) return report(unknown_flag(name));
  Outcome<FlagDatabase> database = open_flag_database(global);
  if (!database.ok()) return report(database.error());
  const DatabaseResult<Rows> rows = database.value().connection.query(
      "SELECT version, changed_at, changed_by, old_definition, new_definition, reason "
      "FROM watchdog.feature_flag_history WHERE name = $1 ORDER BY version DESC LIMIT 1000",
      {name}, {.read_only = true});
  if (!rows.ok()) return report(failure_of("reading the history of " + name, rows.error()));
  print_history(name, rows.value(), global.json);
  return ExitCode::done;
}

}  // namespace jobwatchdog
