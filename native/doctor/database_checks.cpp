// The server, its clock, and what stands between it and us.
#include "native/doctor/database_checks.hpp"

#include <chrono>

#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

using State = Check::State;

DatabaseResult<std::string> one_value(Connection& connection, const std::string& expression) {
  const DatabaseResult<Rows> rows =
      connection.query("SELECT " + expression + " AS value", {}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  return rows.value().text(0, "value");
}

/// Two connections that are served by one process of the server share it: a pooler in transaction mode. The
/// other way round proves nothing: its pool may be busy.
DatabaseResult<bool> share_a_process(Connection& first, Connection& second) {
  const DatabaseResult<std::string> first_process = one_value(first, "pg_backend_pid()");
  if (!first_process.ok()) return first_process.error();
  const DatabaseResult<std::string> second_process = one_value(second, "pg_backend_pid()");
  if (!second_process.ok()) return second_process.error();
  return first_process.value() == second_process.value();
}

}  // namespace

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

Check check_pooler(Connection& connection, const GlobalOptions& global, const Configuration& configuration) {
  Outcome<Connection> second = open_connection(global, configuration);
  if (!second.ok())
    return {"pooler", State::warning, second.error().problems.front().what,
            "a sweep needs two connections: one works, one holds the lock"};
  const DatabaseResult<bool> is_shared = share_a_process(connection, second.value());
  if (!is_shared.ok()) return {"pooler", State::warning, error_text(is_shared.error()), ""};
  if (is_shared.value())
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

Check check_listening(Connection& connection, const GlobalOptions& global, const Configuration& configuration,
                      const std::string& direct_database_url) {
  const std::string option = "--direct-database-url";
  const std::string way = direct_database_url.empty() ? "the database's own connection" : option;
  const std::string mend =
      "give serve a database URL past the pooler, or to its session mode: --direct-database-url or WATCHDOG_DIRECT_DATABASE_URL";
  GlobalOptions there = global;
  if (!direct_database_url.empty()) there.database_url = direct_database_url;
  Outcome<Connection> first = open_connection(there, configuration);
  if (!first.ok())
    return check_of("listening", State::warning,
                    {way, first.error().problems.front().what, first.error().problems.front().mend});
  Outcome<Connection> second = open_connection(there, configuration);
  if (!second.ok())
    return check_of("listening", State::warning, {way, second.error().problems.front().what, ""});
  const DatabaseResult<bool> is_shared = share_a_process(first.value(), second.value());
  if (!is_shared.ok()) return {"listening", State::warning, error_text(is_shared.error()), ""};
  if (is_shared.value())
    return {"listening", State::warning,
            way +
                " goes through a pooler in transaction mode, where nobody hears a NOTIFY: pages learn of "
                "changes by asking alone",
            mend};
  const std::string place = "current_database() || ' ' || " + std::string{server_sql};
  const DatabaseResult<std::string> here = one_value(connection, place);
  const DatabaseResult<std::string> heard = one_value(first.value(), place);
  if (here.ok() && heard.ok() && here.value() != heard.value())
    return {"listening", State::error, option + " leads to another server or database than the jobs are in",
            "name the same database in both"};
  return {"listening", State::ok, "changes are heard by " + way, ""};
}

}  // namespace jobwatchdog
