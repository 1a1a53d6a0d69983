// `jobwatchdog doctor`: is everything there that the watchdog needs? One line a check, each with its cure.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "core/rule_lint.hpp"
#include "native/catalog.hpp"
#include "native/commands.hpp"
#include "native/flags.hpp"
#include "native/json_text.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

struct Check {
  std::string name;
  enum class State { ok, warning, error } state{State::ok};
  std::string words;
  std::string mend;
};

const char* state_word(Check::State state) {
  if (state == Check::State::ok) return "ok";
  return state == Check::State::warning ? "warning" : "error";
}

using State = Check::State;

Check check_server(Connection& connection) {
  Stopwatch stopwatch;
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number, current_user AS role, "
      "current_database() AS database",
      {}, {.read_only = true});
  if (!rows.ok()) return {"server", State::error, error_text(rows.error()), ""};
  const std::string words = "PostgreSQL " + rows.value().text(0, "version") + ", database " +
                            rows.value().text(0, "database") + ", role " + rows.value().text(0, "role") +
                            ", answered in " + std::to_string(stopwatch.elapsed().ms) + " ms";
  if (rows.value().integer(0, "number") < 130000)
    return {"server", State::error, words, "PostgreSQL 13 or newer is needed"};
  return {"server", State::ok, words, ""};
}

DatabaseResult<Rows> server_process(Connection& connection) {
  return connection.query("SELECT pg_backend_pid() AS pid", {}, {.read_only = true});
}

/// Two connections that are served by one process of the server share it: a pooler in transaction mode. The
/// other way round proves nothing: its pool may be busy.
Check check_pooler(Connection& connection, const GlobalOptions& global, const Configuration& configuration) {
  Outcome<Connection> second = open_connection(global, configuration);
  if (!second.ok())
    return {"pooler", State::warning, second.error().problems.front().what,
            "a sweep needs two connections: one works, one holds the lock"};
  const DatabaseResult<Rows> first_process = server_process(connection);
  const DatabaseResult<Rows> second_process = server_process(second.value());
  if (!first_process.ok()) return {"pooler", State::warning, error_text(first_process.error()), ""};
  if (!second_process.ok()) return {"pooler", State::warning, error_text(second_process.error()), ""};
  if (first_process.value().text(0, "pid") == second_process.value().text(0, "pid"))
    return {"pooler", State::ok, "a pooler in transaction mode; every command works through it", ""};
  return {"pooler", State::ok, "a direct connection, or a pooler that shares nothing now; both work", ""};
}

Check check_clock(Connection& connection) {
  const auto before = std::chrono::system_clock::now();
  const DatabaseResult<Rows> rows =
      connection.query("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms", {},
                       {.read_only = true});
  if (!rows.ok()) return {"clock", State::warning, error_text(rows.error()), ""};
  const auto here_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(before.time_since_epoch()).count();
  const std::int64_t skew_ms = rows.value().integer(0, "now_ms") - here_ms;
  const std::string words =
      "the database's clock differs from this machine's by " + std::to_string(skew_ms) + " ms";
  const bool large = skew_ms > 5'000 || skew_ms < -5'000;
  return {"clock", large ? State::warning : State::ok, words,
          large ? "ages are right all the same (the database's clock decides); set up NTP so that logs agree"
                : ""};
}

Check check_schema(Connection& connection, const Configuration& configuration) {
  const Outcome<SchemaState> schema = open_schema(connection, configuration);
  if (!schema.ok())
    return {"schema", State::error, schema.error().problems.front().what,
            schema.error().problems.front().mend};
  if (!schema.value().hidden_because.empty())
    return {"schema", State::warning,
            "this role may not look at it (" + schema.value().hidden_because +
                "): sweeps work, but leave no history",
            "see README, \"The rights it needs\""};
  if (schema.value().any_watch && !schema.value().has_watch)
    return {"schema", State::warning, "watch, older than this binary: sweeps leave no history",
            "run `jobwatchdog migrate --watch`"};
  if (schema.value().has_managed) return {"schema", State::ok, "managed, up to date", ""};
  if (schema.value().has_watch) return {"schema", State::ok, "watch, up to date", ""};
  return {"schema", State::warning, "no schema watchdog: sweeps work, but leave no history",
          "`jobwatchdog migrate --watch` adds it"};
}

Check check_rules(Connection& connection, const Configuration& configuration) {
  std::size_t errors = 0;
  std::string hidden;
  for (const Rule& rule : configuration.rules) {
    const DatabaseResult<std::vector<TableFacts>> shapes = load_table_shapes(connection, rule.tables);
    if (!shapes.ok()) return {"rules", State::error, error_text(shapes.error()), ""};
    for (const TableFacts& facts : shapes.value()) {
      errors += lint_shape(rule, facts, {}).size();
      if (facts.hides_rows) hidden += (hidden.empty() ? "" : ", ") + display_name(facts.table);
    }
  }
  const std::string words =
      std::to_string(configuration.rules.size()) + " rules from " + configuration.source;
  if (errors > 0)
    return {"rules", State::error, words + ", with " + std::to_string(errors) + " problems",
            "`jobwatchdog rules check` tells them"};
  if (!hidden.empty())
    return {"rules", State::warning,
            words + ": row level security may hide stuck rows from this role in " + hidden,
            "connect as a role with BYPASSRLS, or set [database] role"};
  return {"rules", State::ok, words + " fit their tables", ""};
}

Check check_last_sweep(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT coalesce((SELECT r.outcome || ', ' || r.started_at::text FROM watchdog.sweep_runs r ORDER BY r.id DESC LIMIT 1), 'none yet') AS last, "
      "(SELECT count(*) FROM watchdog.sweep_runs r WHERE r.outcome = 'running' AND r.started_at < now() - interval '1 hour') AS dead, "
      "(SELECT count(*) FROM watchdog.isolated_rows) AS isolated, "
      "coalesce((SELECT max(r.started_at) < now() - interval '1 hour' FROM watchdog.sweep_runs r), true) AS is_old",
      {}, {.read_only = true});
  if (!rows.ok() && rows.error().sqlstate == "42501")
    return {"last sweep", State::warning, error_text(rows.error()), "see README, \"The rights it needs\""};
  if (!rows.ok()) return {"last sweep", State::ok, "no history in this database", ""};
  std::string words = "last: " + rows.value().text(0, "last");
  if (rows.value().integer(0, "isolated") > 0)
    words += "; rows that could not be settled: " + rows.value().text(0, "isolated");
  if (rows.value().integer(0, "dead") > 0)
    words += "; sweeps that were killed: " + rows.value().text(0, "dead");
  const bool is_old = rows.value().boolean(0, "is_old");
  return {"last sweep", is_old ? State::warning : State::ok, words,
          is_old ? "no sweep for an hour: is the cron line or timer there? README shows them" : ""};
}

Check check_flags(Connection& connection, const Configuration& configuration) {
  const Outcome<Flags> flags = Flags::open(connection, configuration);
  if (!flags.ok()) return {"flags", State::error, flags.error().problems.front().what, ""};
  for (const KnownFlag& flag : known_flags()) {
    const FlagAnswer answer = flags.value().ask(flag, {});
    if (answer.evaluation.reason != FlagReason::error) continue;
    return {"flags", answer.set_by == nullptr ? State::warning : State::error,
            std::string{flag.name} + " is at its code default: " + answer.evaluation.error_message,
            answer.set_by == nullptr ? "see README, \"The rights it needs\""
                                     : answer.set_by->problem->problem.mend};
  }
  const KnownFlag& flag = flag_named(sweep_flag);
  const FlagAnswer answer = flags.value().ask(flag, {});
  if (answer.evaluation.value.is_on()) return {"flags", State::ok, "sweeps are on", ""};
  return {"flags", State::warning, "sweeps are switched off by " + who_says(flag, answer),
          "`jobwatchdog flags get WATCHDOG_SWEEP_ENABLED --explain` tells why"};
}

void print(const std::vector<Check>& checks, bool as_json) {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const Check& check : checks) {
    list.push_back({{"check", check.name},
                    {"state", state_word(check.state)},
                    {"words", check.words},
                    {"mend", check.mend}});
    if (as_json) continue;
    std::string state = state_word(check.state);
    state.resize(9, ' ');
    std::cout << state << check.name << ": " << check.words << "\n";
    if (!check.mend.empty()) std::cout << "           mend: " << check.mend << "\n";
  }
  if (as_json) std::cout << json_document(list);
}

}  // namespace

ExitCode run_doctor(const GlobalOptions& global) {
  std::vector<Check> checks;
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  checks.push_back({"configuration", State::ok, configuration.value().source, ""});
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  checks.push_back(check_server(connection.value()));
  checks.push_back(check_pooler(connection.value(), global, configuration.value()));
  checks.push_back(check_clock(connection.value()));
  checks.push_back(check_schema(connection.value(), configuration.value()));
  checks.push_back(check_rules(connection.value(), configuration.value()));
  checks.push_back(check_flags(connection.value(), configuration.value()));
  checks.push_back(check_last_sweep(connection.value()));
  print(checks, global.json);
  ExitCode code = ExitCode::done;
  for (const Check& check : checks) {
    if (check.state != State::error) continue;
    if (code != ExitCode::schema_out_of_date)
      code = check.name == "schema" ? ExitCode::schema_out_of_date : ExitCode::configuration;
  }
  return code;
}

}  // namespace jobwatchdog
