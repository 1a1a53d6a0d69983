// What nodes did and what is at work, as metrics.
#include "native/life/node_metrics.hpp"

#include <ctime>
#include <nlohmann/json.hpp>

#include "native/metrics_text.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* last_success_name = "watchdog_reconcile_last_success_timestamp_seconds";

struct Series {
  const char* name;
  const char* help;
  const char* label;  ///< "" = none.
  const char* value;
  std::int64_t (*count)(const ReconcileCounts&);
};

constexpr const char* dispatch_help = "Submits to the provider, by what became of them.";
constexpr const char* checks_help = "Answers about tasks of jobs at work; unknown is no usable one.";
constexpr const char* settled_help = "Jobs that were settled by the provider's word or the hard deadline.";

constexpr Series all_series[] = {
    {"watchdog_dispatch_total", dispatch_help, "result", "accepted", [](auto& c) { return c.submitted; }},
    {"watchdog_dispatch_total", dispatch_help, "result", "no_capacity", [](auto& c) { return c.sent_back; }},
    {"watchdog_dispatch_total", dispatch_help, "result", "refused", [](auto& c) { return c.refused; }},
    {"watchdog_dispatch_total", dispatch_help, "result", "unknown", [](auto& c) { return c.in_doubt; }},
    {"watchdog_reconcile_checks_total", checks_help, "outcome", "answered",
     [](auto& c) { return c.checks - c.unknown; }},
    {"watchdog_reconcile_checks_total", checks_help, "outcome", "unknown", [](auto& c) { return c.unknown; }},
    {"watchdog_jobs_settled_total", settled_help, "status", "completed", [](auto& c) { return c.completed; }},
    {"watchdog_jobs_settled_total", settled_help, "status", "failed", [](auto& c) { return c.failed; }},
    {"watchdog_jobs_overdue_total", "Of the failed ones: at their hard deadline.", "", "",
     [](auto& c) { return c.overdue; }},
    {"watchdog_refunded_credits_total", "Credits that were given back.", "", "",
     [](auto& c) { return c.refunded_credits; }},
    {"watchdog_provider_cancels_total", "Cancels that were sent to the provider.", "", "",
     [](auto& c) { return c.cancels; }},
    {"watchdog_ended_tasks_total", "Tasks of ended jobs whose own end the provider confirmed.", "", "",
     [](auto& c) { return c.ended_tasks; }},
    {"watchdog_late_results_total", "Of these: with a result, which was kept beside the outcome.", "", "",
     [](auto& c) { return c.late_results; }},
    {"watchdog_webhooks_repaired_total", "Jobs that were settled although their webhook never came.", "", "",
     [](auto& c) { return c.webhooks_repaired; }},
};

/// What is at work; it follows the active jobs, never a table's history.
constexpr const char* gauges_sql = R"sql(
SELECT 'watchdog_active_jobs' AS name,
       jsonb_build_object('tool', tool, 'state', CASE WHEN queued_at IS NULL THEN 'at_work' ELSE 'waiting' END) AS labels, count(*) AS value
  FROM watchdog.active_jobs GROUP BY labels
 UNION ALL
SELECT 'watchdog_provider_slots', jsonb_build_object('account', account, 'state', state) AS labels, count(*)
  FROM watchdog.provider_slots GROUP BY labels
 UNION ALL
SELECT 'watchdog_oldest_waiting_job_age_seconds', '{}', COALESCE(extract(epoch FROM clock_timestamp() - min(queued_at)), 0)
  FROM watchdog.active_jobs
 UNION ALL
SELECT 'watchdog_orphan_tasks', '{}', count(*) FROM watchdog.orphan_tasks WHERE ended_at IS NULL
 ORDER BY name, labels)sql";

const char* help_of(const std::string& gauge) {
  if (gauge == "watchdog_active_jobs") return "Jobs of users who wait for a result.";
  if (gauge == "watchdog_provider_slots") return "Places for tasks at the provider.";
  if (gauge == "watchdog_orphan_tasks") return "Tasks without a job whose end is not confirmed.";
  return "For how long the first job of the queue has waited.";
}

void add_counters(prometheus::Registry& registry, const ReconcileCounts& counts,
                  const std::map<std::string, double>& before) {
  add_gauge(registry, "watchdog_build_info", "The version that reconciles.",
            {{"version", JOBWATCHDOG_VERSION}}, 1);
  for (const Series& series : all_series) {
    MetricLabels labels;
    std::string spelled = series.name;
    if (*series.label != '\0') {
      labels[series.label] = series.value;
      spelled += std::string{"{"} + series.label + "=\"" + series.value + "\"}";
    }
    const auto earlier = before.find(spelled);
    add_counter(registry, series.name, series.help, labels,
                static_cast<double>(series.count(counts)) + (earlier == before.end() ? 0 : earlier->second));
  }
}

}  // namespace

std::string node_metrics(const ReconcileCounts& counts, ConnectionPool& connections) {
  prometheus::Registry registry;
  add_counters(registry, counts, {});
  const DatabaseResult<Rows> gauges = connections.query(gauges_sql, {}, {.read_only = true});
  add_gauge(registry, "watchdog_database_up", "Whether the database answered this scrape.", {},
            gauges.ok() ? 1 : 0);
  for (std::size_t i = 0; gauges.ok() && i < gauges.value().size(); ++i) {
    const std::string name = gauges.value().text(i, "name");
    const auto labels = nlohmann::json::parse(gauges.value().text(i, "labels"), nullptr, false);
    add_gauge(registry, name, help_of(name), labels.get<MetricLabels>(),
              std::strtod(gauges.value().text(i, "value").c_str(), nullptr));
  }
  return metrics_text(registry);
}

std::optional<Problem> write_reconcile_metrics(const std::string& path, const ReconcileCounts& counts,
                                               bool was_good) {
  std::map<std::string, double> before = metrics_of_file(path);
  prometheus::Registry registry;
  add_counters(registry, counts, before);
  const auto now = static_cast<double>(std::time(nullptr));
  add_gauge(registry, "watchdog_reconcile_last_run_timestamp_seconds", "When the last pass ended.", {}, now);
  add_gauge(registry, last_success_name, "When the last pass without any trouble ended.", {},
            was_good ? now : before[last_success_name]);
  return write_metrics_file(path, metrics_text(registry));
}

}  // namespace jobwatchdog
