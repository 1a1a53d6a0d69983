// `jobwatchdog jobs show`: one job as a timeline, from all the evidence that there is.
#include <iostream>

#include "native/commands.hpp"
#include "native/jobs.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* job_sql = R"sql(
SELECT job.*, coalesce(watchdog.queue_position($3, job.id)::text, '') AS place
  FROM public.ai_jobs AS job WHERE job.tool = $1 AND job.id = $2)sql";

constexpr const char* timeline_sql = R"sql(
SELECT to_char(happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS happened_at,
       (extract(epoch FROM happened_at - first_value(happened_at) OVER (ORDER BY ordinality)) * 1000)::bigint AS since_ms,
       what, who, detail::text AS detail
  FROM watchdog.job_timeline($1, $2) WITH ORDINALITY AS told ORDER BY ordinality)sql";

/// A detail as words: `status starting, attempt 1`; what it was before stands at the end.
std::string detail_text(const nlohmann::ordered_json& detail) {
  std::string text;
  for (const auto& [name, value] : detail.items()) {
    if (value.is_null() || (value.is_object() && value.empty()) || name == "before") continue;
    text += (text.empty() ? "" : ", ") + name + " " +
            (value.is_string() ? value.get<std::string>() : json_line(value));
  }
  const auto before = detail.find("before");
  if (before != detail.end() && before->is_object() && before->contains("status"))
    text += (text.empty() ? "was " : "; was ") + before->value("status", "");
  return text;
}

/// Jobwatchdog's own processes by their short name, people and the provider as they are called.
std::string who_text(const std::string& who) {
  const auto on = who.find(" on ");
  return who.starts_with("jobwatchdog ") && on != std::string::npos ? who.substr(12, on - 12) : who;
}

std::string since_text(std::int64_t since_ms) {
  if (since_ms < 10'000) return "+" + std::to_string(since_ms) + " ms";
  return "+" + age_text(milliseconds(since_ms));
}

void print_text(const Rows& job, const FoundJob& found, const Rows& timeline) {
  std::vector<std::vector<std::string>> facts{
      {"job", found.table + " " + found.id},
      {"user", job.text(0, "user_id")},
      {"status",
       job.text(0, "status") +
           (job.text(0, "place").empty() ? "" : ", place " + job.text(0, "place") + " in the queue")},
      {"attempt", job.text(0, "attempt")},
      {"credits",
       job.text(0, "user_credit_cost") + std::string{job.boolean(0, "credits_refunded")  ? ", given back"
                                                     : job.boolean(0, "credits_charged") ? ", charged"
                                                                                         : ", not charged"}}};
  for (const char* column : {"api_account", "task_id", "output_url", "late_output_url", "error_message"}) {
    if (job.at(0, column)) facts.push_back({column, job.text(0, column)});
  }
  std::cout << terminal_table({"fact", "value"}, facts) << "\n";
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    const auto detail = nlohmann::ordered_json::parse(timeline.text(i, "detail"), nullptr, false);
    rows.push_back({timeline.text(i, "happened_at"), since_text(timeline.integer(i, "since_ms")),
                    timeline.text(i, "what"), who_text(timeline.text(i, "who")), detail_text(detail)});
  }
  std::cout << terminal_table({"when (database's clock)", "since", "what", "who", "facts"}, rows);
}

nlohmann::ordered_json show_json(const Rows& job, const FoundJob& found, const Rows& timeline) {
  nlohmann::ordered_json shown{{"table", found.table}, {"id", found.id}};
  for (const char* column :
       {"user_id", "status", "api_account", "task_id", "output_url", "late_output_url", "error_message"})
    shown[column] = json_of(job.at(0, column));
  shown["attempt"] = job.integer(0, "attempt");
  shown["credits"] = job.integer(0, "user_credit_cost");
  shown["charged"] = job.boolean(0, "credits_charged");
  shown["refunded"] = job.boolean(0, "credits_refunded");
  shown["timeline"] = nlohmann::json::array();
  for (std::size_t i = 0; i < timeline.size(); ++i) {
    shown["timeline"].push_back(
        {{"at", timeline.text(i, "happened_at")},
         {"what", timeline.text(i, "what")},
         {"who", timeline.text(i, "who")},
         {"detail", nlohmann::ordered_json::parse(timeline.text(i, "detail"), nullptr, false)}});
  }
  return shown;
}

}  // namespace

ExitCode run_jobs_show(const GlobalOptions& global, const std::string& job_id) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return report(configuration.error());
  Outcome<Connection> connection = open_managed(global, configuration.value());
  if (!connection.ok()) return report(connection.error());
  warn_of_standby(connection.value());
  const Outcome<FoundJob> found = find_job(connection.value(), job_id);
  if (!found.ok()) return report(found.error());
  const FoundJob& job = found.value();
  const TransactionOptions reading{.read_only = true, .statement_timeout = reading_timeout};
  const DatabaseResult<Rows> row = connection.value().query(job_sql, {job.tool, job.id, job.table}, reading);
  if (!row.ok()) return report(failure_of("jobs show", row.error()));
  const DatabaseResult<Rows> timeline = connection.value().query(timeline_sql, {job.tool, job.id}, reading);
  if (!timeline.ok()) return report(failure_of("jobs show", timeline.error()));
  if (global.json) {
    std::cout << json_document(show_json(row.value(), job, timeline.value()));
  } else {
    print_text(row.value(), job, timeline.value());
  }
  return ExitCode::done;
}

}  // namespace jobwatchdog
