// The schema, the rules over it, the flags, and who worked here last.
#include "native/doctor/schema_checks.hpp"

#include "core/rule_lint.hpp"
#include "native/catalog.hpp"
#include "native/flags.hpp"

namespace jobwatchdog {
namespace {

using State = Check::State;

constexpr std::string_view watch_flag = "WATCHDOG_ENABLED";
constexpr const char* rights_mend = "see README, \"The rights it needs\"";

/// What is at work, and what of it nobody has looked at for five minutes although it was due. A pass by cron
/// comes more often.
constexpr const char* reconciling_sql = R"sql(
SELECT count(*) FILTER (WHERE queued_at IS NULL) AS at_work, count(queued_at) AS waiting,
       count(*) FILTER (WHERE queued_at IS NULL AND next_check_at < now() - interval '5 min'
                          AND coalesce(lease_until < now(), true)) AS overdue,
       coalesce(date_trunc('second', max(leased_at))::text, '') AS last_looked_at,
       (SELECT count(*) FROM watchdog.active_jobs AS waiting
         WHERE waiting.queued_at < now() - interval '5 min'
           AND EXISTS (SELECT FROM watchdog.provider_slots AS slot WHERE slot.account = waiting.account AND slot.state = 'free')) AS not_started,
       coalesce((SELECT string_agg(DISTINCT lease_owner, ', ') FROM watchdog.active_jobs WHERE lease_until > now()), '') AS nodes,
       (SELECT count(*) FROM watchdog.provider_slots WHERE state = 'cancelling' AND deadline_at < now() - interval '5 min') AS leaked,
       (SELECT count(*) FROM watchdog.orphan_tasks WHERE ended_at IS NULL) AS orphans,
       coalesce((SELECT string_agg(account || ': ' || pause_reason, ', ') FROM watchdog.runninghub_accounts
                  WHERE submits_paused_until > now()), '') AS paused
  FROM watchdog.active_jobs)sql";

/// "; what: count", or nothing for none.
std::string counted(const Rows& rows, const char* column, const char* what) {
  const std::int64_t count = rows.integer(0, column);
  return count == 0 ? "" : std::string{"; "} + what + ": " + std::to_string(count);
}

}  // namespace

Check check_schema(const Outcome<SchemaState>& schema) {
  if (!schema.ok())
    return {"schema", State::error, schema.error().problems.front().what,
            schema.error().problems.front().mend};
  const SchemaState& state = schema.value();
  if (!state.hidden_because.empty())
    return {"schema", State::warning,
            "this role may not look at it (" + state.hidden_because + "): sweeps work, but leave no history",
            rights_mend};
  if (state.any_watch && !state.has_watch)
    return {"schema", State::warning, "watch, older than this binary: sweeps leave no history",
            "run `jobwatchdog migrate --watch`"};
  if (state.has_managed) return {"schema", State::ok, "managed, up to date", ""};
  if (state.has_watch) return {"schema", State::ok, "watch, up to date", ""};
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

Check check_flags(Connection& connection, const Configuration& configuration, bool watches_jobs) {
  const Outcome<Flags> flags = Flags::open(connection, configuration);
  if (!flags.ok()) return {"flags", State::error, flags.error().problems.front().what, ""};
  for (const KnownFlag& flag : known_flags()) {
    const FlagAnswer answer = flags.value().ask(flag, {});
    if (answer.evaluation.reason != FlagReason::error) continue;
    return {"flags", answer.set_by == nullptr ? State::warning : State::error,
            std::string{flag.name} + " is at its code default: " + answer.evaluation.error_message,
            answer.set_by == nullptr ? rights_mend : answer.set_by->problem->problem.mend};
  }
  const KnownFlag& flag = flag_named(sweep_flag);
  const FlagAnswer answer = flags.value().ask(flag, {});
  if (!answer.evaluation.value.is_on())
    return {"flags", State::warning, "sweeps are switched off by " + who_says(flag, answer),
            "`jobwatchdog flags get WATCHDOG_SWEEP_ENABLED --explain` tells why"};
  // Set to whatever it may be, somebody has thought about it: it may be on for some.
  if (watches_jobs && flags.value().settings_of(flag_named(watch_flag)).empty())
    return {"flags", State::warning,
            "sweeps are on; " + std::string{watch_flag} +
                " is not set: jobs are asked about only when a webhook rings",
            "`jobwatchdog flags set WATCHDOG_ENABLED true --reason \"...\"`"};
  return {"flags", State::ok, "sweeps are on", ""};
}

Check check_last_sweep(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT coalesce((SELECT r.outcome || ', ' || r.started_at::text FROM watchdog.sweep_runs r ORDER BY r.id DESC LIMIT 1), 'none yet') AS last, "
      "(SELECT count(*) FROM watchdog.sweep_runs r WHERE r.outcome = 'running' AND r.started_at < now() - interval '1 hour') AS dead, "
      "(SELECT count(*) FROM watchdog.isolated_rows) AS isolated, "
      "coalesce((SELECT max(r.started_at) < now() - interval '1 hour' FROM watchdog.sweep_runs r), true) AS is_old",
      {}, {.read_only = true});
  if (!rows.ok() && rows.error().sqlstate == "42501")
    return {"last sweep", State::warning, error_text(rows.error()), rights_mend};
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

Check check_reconciling(Connection& connection) {
  const DatabaseResult<Rows> read = connection.query(reconciling_sql, {}, {.read_only = true});
  if (!read.ok()) return {"reconciling", State::warning, error_text(read.error()), rights_mend};
  const Rows& rows = read.value();
  std::string words = "jobs at work: " + rows.text(0, "at_work") + ", waiting: " + rows.text(0, "waiting");
  if (!rows.text(0, "last_looked_at").empty())
    words += "; one was last looked at " + rows.text(0, "last_looked_at");
  if (!rows.text(0, "nodes").empty()) words += ", now by " + rows.text(0, "nodes");
  const std::string forgotten = counted(rows, "overdue", "due for more than five minutes") +
                                counted(rows, "not_started", "waiting although there is room") +
                                counted(rows, "leaked", "slots whose cancelled task was not seen to its end");
  words += forgotten + counted(rows, "orphans", "tasks at the provider without a job");
  if (!rows.text(0, "paused").empty()) words += "; nothing is submitted to " + rows.text(0, "paused");
  if (!forgotten.empty())
    return {
        "reconciling", State::warning, words,
        "nobody looks: is `jobwatchdog serve` running, or `jobwatchdog reconcile` in cron, with the provider's key?"};
  if (!rows.text(0, "paused").empty())
    return {"reconciling", State::warning, words, "mend what the reason tells; it is tried again by itself"};
  return {"reconciling", State::ok, words, ""};
}

}  // namespace jobwatchdog
