// The history that sweeps leave behind.
#include "native/history.hpp"

#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/process_name.hpp"
#include "native/retry.hpp"

namespace jobwatchdog {
namespace {

const TransactionOptions writing{};

void warn(const std::string& what, const DatabaseError& error) {
  log(LogLevel::warning, what + ": " + error_text(error) + "; the sweep goes on");
}

void warn_of_no_history(const std::string& why) {
  log(LogLevel::warning,
      "this role may not write the history in schema watchdog (" + why + "); it goes to the log only");
}

/// Which rights the role lacks, as "INSERT on watchdog.sweep_runs, ..."; NULL when it has all.
constexpr const char* missing_rights_sql = R"sql(
SELECT string_agg(r.privilege || ' on ' || r.relation, ', ') FILTER (WHERE r.relation <> $1) AS history,
       string_agg(r.privilege || ' on ' || r.relation, ', ') FILTER (WHERE r.relation = $1) AS audit
FROM (VALUES ('watchdog.sweep_runs', 'SELECT'), ('watchdog.sweep_runs', 'INSERT'), ('watchdog.sweep_runs', 'UPDATE'),
             ('watchdog.isolated_rows', 'SELECT'), ('watchdog.isolated_rows', 'INSERT'), ('watchdog.isolated_rows', 'UPDATE'),
             ('watchdog.isolated_rows', 'DELETE'), ($1, 'INSERT')) AS r (relation, privilege)
WHERE NOT has_table_privilege(r.relation, r.privilege))sql";

std::string outcome_word(SweepOutcome outcome) {
  if (outcome == SweepOutcome::done) return "done";
  return outcome == SweepOutcome::failed ? "failed" : "partial";
}

std::string details_json(const SweepResult& result) {
  nlohmann::ordered_json tables = nlohmann::json::array();
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) {
      tables.push_back({{"rule", rule.rule},
                        {"table", table.table},
                        {"found", table.found_count},
                        {"settled", table.settled_count},
                        {"refunded_credits", table.refunded_credits},
                        {"kept", table.kept_count},
                        {"missed", table.missed_count},
                        {"exhausted", table.exhausted_count},
                        {"isolated", table.isolated_count},
                        {"error", table.error}});
    }
  }
  nlohmann::ordered_json details{{"duration_ms", result.duration_ms}, {"tables", tables}};
  if (!result.switched_off_by.empty()) details["switched_off_by"] = result.switched_off_by;
  return json_line(details);
}

}  // namespace

History History::open(Connection& connection, const SchemaState& schema) {
  History history;
  history.actor_ = process_name("sweep");
  if (!schema.hidden_because.empty()) warn_of_no_history(schema.hidden_because);
  if (!schema.has_watch) return history;
  const std::string audit = schema.has_managed ? "public.audit_log" : "watchdog.audit_log";
  const DatabaseResult<Rows> rows = connection.query(missing_rights_sql, {audit}, {.read_only = true});
  if (!rows.ok()) {
    warn_of_no_history(error_text(rows.error()));
    return history;
  }
  const std::string for_history = rows.value().text(0, "history");
  const std::string for_audit = rows.value().text(0, "audit");
  history.writable_ = for_history.empty();
  if (for_audit.empty()) history.audit_table_ = audit;
  if (!history.writable_) warn_of_no_history("it lacks " + for_history);
  if (!for_audit.empty())
    log(LogLevel::warning, "this role lacks " + for_audit + ": what is settled leaves no audit rows");
  return history;
}

void History::begin_run(Connection& connection) {
  if (!writable_) return;
  const DatabaseResult<Rows> rows =
      connection.query("INSERT INTO watchdog.sweep_runs (actor, version) VALUES ($1, $2) RETURNING id",
                       {actor_, JOBWATCHDOG_VERSION}, writing);
  if (!rows.ok()) return warn("the run could not be recorded", rows.error());
  run_id_ = rows.value().text(0, "id");
}

void History::end_run(Connection& connection, const SweepResult& result,
                      const std::function<bool()>& must_stop) {
  if (!run_id_) return;
  const auto count = [&](std::int64_t TableResult::*field) {
    return Text{std::to_string(result.total(field))};
  };
  const DatabaseResult<Rows> rows = query_patiently(
      connection,
      "UPDATE watchdog.sweep_runs SET finished_at = clock_timestamp(), outcome = $2, settled_count = $3, refunded_count = $4, "
      "refunded_credits = $5, kept_count = $6, isolated_count = $7, details = $8::jsonb WHERE id = $1",
      {run_id_, outcome_word(result.outcome), count(&TableResult::settled_count),
       count(&TableResult::refunded_count), count(&TableResult::refunded_credits),
       count(&TableResult::kept_count), count(&TableResult::isolated_count), details_json(result)},
      writing, must_stop);
  if (!rows.ok()) warn("the end of the run could not be recorded", rows.error());
}

void History::record_isolated(Connection& connection, const std::string& rule, const TableResult& table,
                              bool pass_is_whole, const std::function<bool()>& must_stop) {
  if (!writable_) return;
  nlohmann::ordered_json list = nlohmann::json::array();
  for (const IsolatedRow& row : table.isolated)
    list.push_back({{"id", row.key}, {"sqlstate", row.sqlstate}, {"reason", row.reason}});
  const std::string json = json_line(list);
  if (!table.isolated.empty()) {
    const DatabaseResult<Rows> written = query_patiently(
        connection,
        "INSERT INTO watchdog.isolated_rows AS known (rule_name, table_name, record_id, sqlstate, reason) "
        "SELECT $1, $2, r.id, r.sqlstate, r.reason FROM jsonb_to_recordset($3::jsonb) AS r (id text, sqlstate text, reason text) "
        "ON CONFLICT (rule_name, table_name, record_id) DO UPDATE SET sqlstate = excluded.sqlstate, reason = excluded.reason, "
        "last_seen_at = clock_timestamp(), seen_count = known.seen_count + 1",
        {rule, table.table, json}, writing, must_stop);
    if (!written.ok()) return warn("isolated rows could not be recorded", written.error());
  }
  if (!pass_is_whole || table.isolated_count > static_cast<std::int64_t>(table.isolated.size())) return;
  const DatabaseResult<Rows> forgotten =
      query_patiently(connection,
                      "DELETE FROM watchdog.isolated_rows WHERE rule_name = $1 AND table_name = $2 "
                      "AND record_id NOT IN (SELECT r.id FROM jsonb_to_recordset($3::jsonb) AS r (id text))",
                      {rule, table.table, json}, writing, must_stop);
  if (!forgotten.ok())
    warn("settled rows could not be taken off the list of isolated ones", forgotten.error());
}

}  // namespace jobwatchdog
