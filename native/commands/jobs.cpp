// `jobwatchdog jobs list` and `jobs cancel`: which jobs there are, and ending one.
#include "native/jobs.hpp"

#include <iostream>

#include "core/job_status.hpp"
#include "core/spelling.hpp"
#include "core/sql_text.hpp"
#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* list_sql = R"sql(
SELECT known.table_name, job.id, job.status, job.user_id, job.attempt, job.user_credit_cost, job.credits_charged, job.credits_refunded,
       job.task_id, job.api_account, active.last_verdict, active.check_count,
       (extract(epoch FROM clock_timestamp() - coalesce(job.started_at, job.queued_at, job.created_at)) * 1000)::bigint AS age_ms,
       to_char(job.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at
  FROM public.ai_jobs AS job
  JOIN watchdog.tools AS known ON known.tool = job.tool
  LEFT JOIN watchdog.active_jobs AS active ON (active.tool, active.job_id) = (job.tool, job.id)
 WHERE job.status = ANY ($1::text[])
   AND ($2::text IS NULL OR $2 IN (known.table_name, known.tool))
   AND ($3::text IS NULL OR job.user_id::text = $3)
 ORDER BY coalesce(job.started_at, job.queued_at, job.created_at) DESC, job.id
 LIMIT $4)sql";

Outcome<std::vector<std::string>> wanted_statuses(const JobsListCommand& command) {
  if (command.status.empty()) return std::vector<std::string>{"queued", "starting", "running"};
  std::vector<std::string> all;
  for (const JobStatus status : all_job_statuses) all.emplace_back(job_status_name(status));
  if (command.status == "all") return all;
  if (job_status_of(command.status)) return std::vector<std::string>{command.status};
  all.emplace_back("all");
  return Failure{
      ExitCode::usage,
      {{"--status", "there is no status \"" + command.status + "\"", suggestion(command.status, all)}}};
}

nlohmann::ordered_json list_json(const Rows& rows) {
  nlohmann::ordered_json list = nlohmann::json::array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    list.push_back({{"table", rows.text(i, "table_name")},
                    {"id", rows.text(i, "id")},
                    {"status", rows.text(i, "status")},
                    {"user_id", rows.text(i, "user_id")},
                    {"age_ms", rows.integer(i, "age_ms")},
                    {"created_at", rows.text(i, "created_at")},
                    {"attempt", rows.integer(i, "attempt")},
                    {"credits", rows.integer(i, "user_credit_cost")},
                    {"charged", rows.boolean(i, "credits_charged")},
                    {"refunded", rows.boolean(i, "credits_refunded")},
                    {"account", json_of(rows.at(i, "api_account"))},
                    {"task_id", json_of(rows.at(i, "task_id"))},
                    {"check_count", rows.integer(i, "check_count")},
                    {"last_verdict", json_of(rows.at(i, "last_verdict"))}});
  }
  return list;
}

std::string list_text(const Rows& rows) {
  std::vector<std::vector<std::string>> cells;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const char* money = rows.boolean(i, "credits_refunded")  ? " (back)"
                        : rows.boolean(i, "credits_charged") ? ""
                                                             : " (not charged)";
    cells.push_back({rows.text(i, "table_name"), rows.text(i, "id"), rows.text(i, "status"),
                     age_text(milliseconds(rows.integer(i, "age_ms"))),
                     rows.text(i, "user_credit_cost") + money, rows.at(i, "task_id").value_or("-"),
                     rows.at(i, "last_verdict").value_or("-")});
  }
  return terminal_table({"table", "id", "status", "age", "credits", "task", "provider said"}, cells);
}

}  // namespace

ExitCode run_jobs_list(const GlobalOptions& global, const JobsListCommand& command) {
  const Outcome<std::vector<std::string>> statuses = wanted_statuses(command);
  if (!statuses.ok()) return report(statuses.error());
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<Connection> connection = open_managed(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  warn_of_standby(connection.value());
  const auto given = [](const std::string& text) { return text.empty() ? Text{} : Text{text}; };
  const DatabaseResult<Rows> rows =
      connection.value().query(list_sql,
                               {array_literal(statuses.value()), given(command.table), given(command.user),
                                std::to_string(command.limit)},
                               {.read_only = true, .statement_timeout = reading_timeout});
  if (!rows.ok()) return report(failure_of("jobs list", rows.error()));
  if (global.json) {
    std::cout << json_document(list_json(rows.value()));
  } else if (rows.value().size() == 0) {
    if (!global.quiet) std::cout << "no such jobs\n";
  } else {
    std::cout << list_text(rows.value());
    if (rows.value().size() == static_cast<std::size_t>(command.limit))
      std::cout << "... perhaps more: raise --limit\n";
  }
  return ExitCode::done;
}

ExitCode run_jobs_cancel(const GlobalOptions& global, const JobsCancelCommand& command) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<Connection> connection = open_managed(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  const Outcome<FoundJob> job = find_job(connection.value(), command.job_id);
  if (!job.ok()) return report(job.error());
  const DatabaseResult<Rows> rows =
      connection.value().query("SELECT * FROM watchdog.cancel_job($1, $2, true, $3)",
                               {job.value().table, job.value().id, command.reason}, {});
  if (!rows.ok()) return report(failure_of("jobs cancel", rows.error()));
  const bool success = rows.value().boolean(0, "success");
  const std::int64_t refunded = rows.value().integer(0, "refunded_amount");
  if (global.json) {
    std::cout << json_document({{"success", success},
                                {"table", job.value().table},
                                {"id", job.value().id},
                                {"refunded_credits", refunded},
                                {"error", json_of(rows.value().at(0, "error_message"))}});
  } else if (success) {
    std::cout << job.value().table << " " << job.value().id << " is cancelled, " << grouped(refunded)
              << " credits went back\n";
  }
  if (success) return ExitCode::done;
  if (!global.json)
    return report({ExitCode::failure,
                   {{"jobs cancel", rows.value().text(0, "error_message"),
                     "`jobwatchdog jobs show " + job.value().id + "` tells how it came to that"}}});
  return ExitCode::failure;
}

}  // namespace jobwatchdog
