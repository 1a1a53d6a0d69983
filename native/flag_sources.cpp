// The sources of flags, each read once.
#include "native/flag_sources.hpp"

#include <cstdlib>

namespace jobwatchdog {

std::string flag_source_name(FlagSource source) {
  switch (source) {
    case FlagSource::environment: return "environment";
    case FlagSource::file: return "file";
    case FlagSource::database: return "database";
    case FlagSource::code_default: break;
  }
  return "default";
}

SetFlag read_flag(FlagSource source, std::string place, const KnownFlag& flag, std::string text) {
  SetFlag set{source, std::move(place), std::string{flag.name}, std::move(text), {}, std::nullopt};
  const Result<FlagDefinition, FlagProblem> parsed = parse_flag_definition(set.text, flag);
  if (parsed.ok()) {
    set.definition = parsed.value();
  } else {
    set.problem = parsed.error();
  }
  return set;
}

Problem problem_of(const SetFlag& flag) {
  const Problem& problem = flag.problem->problem;
  const std::string where =
      flag.source == FlagSource::environment ? flag.name : flag.place + ": " + flag.name;
  return {where, problem.what + " (" + problem.where + ")", problem.mend};
}

std::vector<SetFlag> flags_of_environment() {
  std::vector<SetFlag> flags;
  for (const KnownFlag& flag : known_flags()) {
    const char* text = std::getenv(std::string{flag.name}.c_str());
    if (text != nullptr && *text != '\0')
      flags.push_back(read_flag(FlagSource::environment, "the environment", flag, text));
  }
  return flags;
}

DatabaseResult<FlagTable> read_flag_table(Connection& connection) {
  FlagTable table;
  const auto hidden_or = [&table](const DatabaseError& error) -> DatabaseResult<FlagTable> {
    if (error.sqlstate != "42501") return error;
    table.hidden_because = error_text(error);
    return table;
  };
  DatabaseResult<Transaction> transaction = connection.begin({.read_only = true});
  if (!transaction.ok()) return transaction.error();
  const DatabaseResult<Rows> exists =
      transaction.value().query("SELECT to_regclass('watchdog.feature_flags') IS NOT NULL AS is_there");
  if (!exists.ok()) return hidden_or(exists.error());
  table.is_there = exists.value().boolean(0, "is_there");
  if (!table.is_there) return table;
  const DatabaseResult<Rows> rows = transaction.value().query(
      "SELECT name, definition, version FROM watchdog.feature_flags WHERE definition IS NOT NULL ORDER BY name");
  if (!rows.ok()) return hidden_or(rows.error());
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    const KnownFlag* flag = find_flag(rows.value().text(i, "name"));
    if (flag == nullptr) continue;
    table.flags.push_back(read_flag(FlagSource::database,
                                    "watchdog.feature_flags, version " + rows.value().text(i, "version"),
                                    *flag, rows.value().text(i, "definition")));
  }
  return table;
}

}  // namespace jobwatchdog
