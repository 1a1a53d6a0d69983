// The last sweep as metrics.
#include "native/sweep_metrics.hpp"

#include <ctime>

#include "native/flags.hpp"
#include "native/metrics_text.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* last_success_name = "watchdog_sweep_last_success_timestamp_seconds";

void add_table(prometheus::Registry& registry, const std::string& rule, const TableResult& table) {
  const MetricLabels labels{{"rule", rule}, {"job_type", table.table}};
  const auto set = [&](const char* name, const char* help, std::int64_t value) {
    add_gauge(registry, name, help, labels, static_cast<double>(value));
  };
  set("watchdog_jobs_stuck", "Stuck rows that are left after the last sweep.",
      table.found_count - table.settled_count + table.exhausted_count);
  set("watchdog_jobs_found", "Stuck rows that the last sweep found.", table.found_count);
  set("watchdog_jobs_settled", "Rows that the last sweep settled.", table.settled_count);
  set("watchdog_jobs_isolated", "Rows that the last sweep could not settle.", table.isolated_count);
  set("watchdog_jobs_exhausted", "Stuck rows whose rescues are used up.", table.exhausted_count);
  set("watchdog_refunds", "Refunds that the last sweep paid.", table.refunded_count);
  set("watchdog_refunded_credits", "Credits that the last sweep gave back.", table.refunded_credits);
  add_gauge(registry, "watchdog_oldest_stuck_job_age_seconds",
            "Age of the oldest stuck row that the last sweep found.", labels,
            static_cast<double>(table.oldest_age_ms.value_or(0)) / 1000.0);
}

}  // namespace

double add_sweep_metrics(prometheus::Registry& registry, const SweepResult& result,
                         const Configuration& configuration, double last_success_s) {
  const bool is_on = result.switched_off_by.empty();
  const bool good =
      is_on && (result.outcome == SweepOutcome::done || result.outcome == SweepOutcome::time_is_up);
  const auto now = static_cast<double>(std::time(nullptr));
  const double succeeded_at_s = good ? now : last_success_s;
  add_gauge(registry, "watchdog_flag_state", "Whether a feature flag is on.",
            {{"flag", std::string{sweep_flag}}}, is_on ? 1 : 0);
  add_gauge(registry, "watchdog_sweep_duration_seconds", "How long the last sweep took.", {},
            static_cast<double>(result.duration_ms) / 1000.0);
  add_gauge(registry, "watchdog_sweep_last_run_timestamp_seconds", "When the last sweep ended.", {}, now);
  add_gauge(registry, last_success_name, "When the last sweep without any trouble ended.", {},
            succeeded_at_s);
  for (const Rule& rule : configuration.rules) {
    const Duration found_within = detection_time_max(rule.older_than, configuration.policy.sweep_period);
    add_gauge(registry, "watchdog_detection_time_max_seconds",
              "Longest time from getting stuck to being found: older_than + sweep period.",
              {{"rule", rule.name}}, static_cast<double>(found_within.ms) / 1000.0);
  }
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) add_table(registry, rule.rule, table);
  }
  return succeeded_at_s;
}

std::optional<Problem> write_sweep_metrics(const std::string& path, const SweepResult& result,
                                           const Configuration& configuration) {
  prometheus::Registry registry;
  add_gauge(registry, "watchdog_build_info", "The version that swept last.",
            {{"version", JOBWATCHDOG_VERSION}}, 1);
  add_sweep_metrics(registry, result, configuration, metrics_of_file(path)[last_success_name]);
  return write_metrics_file(path, metrics_text(registry));
}

}  // namespace jobwatchdog
