// The last sweep as a Prometheus text file, by prometheus-cpp.
#include "native/metrics_file.hpp"

#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

#include "native/flags.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* last_success_name = "watchdog_sweep_last_success_timestamp_seconds";

prometheus::Gauge& gauge(prometheus::Registry& registry, const std::string& name, const std::string& help,
                         const std::map<std::string, std::string>& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

/// The last success that the file before this one told, or 0.
double last_success_in(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind(std::string{last_success_name} + " ", 0) == 0)
      return std::strtod(line.c_str() + line.find(' '), nullptr);
  }
  return 0;
}

void add_table(prometheus::Registry& registry, const std::string& rule, const TableResult& table) {
  const std::map<std::string, std::string> labels{{"rule", rule}, {"job_type", table.table}};
  const auto set = [&](const char* name, const char* help, std::int64_t value) {
    gauge(registry, name, help, labels).Set(static_cast<double>(value));
  };
  set("watchdog_jobs_stuck", "Stuck rows that are left after the last sweep.",
      table.found_count - table.settled_count + table.exhausted_count);
  set("watchdog_jobs_found", "Stuck rows that the last sweep found.", table.found_count);
  set("watchdog_jobs_settled", "Rows that the last sweep settled.", table.settled_count);
  set("watchdog_jobs_isolated", "Rows that the last sweep could not settle.", table.isolated_count);
  set("watchdog_jobs_exhausted", "Stuck rows whose rescues are used up.", table.exhausted_count);
  set("watchdog_refunds", "Refunds that the last sweep paid.", table.refunded_count);
  set("watchdog_refunded_credits", "Credits that the last sweep gave back.", table.refunded_credits);
  gauge(registry, "watchdog_oldest_stuck_job_age_seconds",
        "Age of the oldest stuck row that the last sweep found.", labels)
      .Set(static_cast<double>(table.oldest_age_ms.value_or(0)) / 1000.0);
}

}  // namespace

std::optional<Problem> write_metrics_file(const std::string& path, const SweepResult& result,
                                          const Configuration& configuration) {
  prometheus::Registry registry;
  const bool is_on = result.switched_off_by.empty();
  const bool good =
      is_on && (result.outcome == SweepOutcome::done || result.outcome == SweepOutcome::time_is_up);
  const auto now = static_cast<double>(std::time(nullptr));
  gauge(registry, "watchdog_build_info", "The version that swept last.", {{"version", JOBWATCHDOG_VERSION}})
      .Set(1);
  gauge(registry, "watchdog_flag_state", "Whether a feature flag is on.", {{"flag", std::string{sweep_flag}}})
      .Set(is_on ? 1 : 0);
  gauge(registry, "watchdog_sweep_duration_seconds", "How long the last sweep took.", {})
      .Set(static_cast<double>(result.duration_ms) / 1000.0);
  gauge(registry, "watchdog_sweep_last_run_timestamp_seconds", "When the last sweep ended.", {}).Set(now);
  gauge(registry, last_success_name, "When the last sweep without any trouble ended.", {})
      .Set(good ? now : last_success_in(path));
  for (const Rule& rule : configuration.rules) {
    gauge(registry, "watchdog_detection_time_max_seconds",
          "Longest time from getting stuck to being found: older_than + sweep period.", {{"rule", rule.name}})
        .Set(static_cast<double>(detection_time_max(rule.older_than, configuration.policy.sweep_period).ms) /
             1000.0);
  }
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) add_table(registry, rule.rule, table);
  }
  const std::string draft = path + ".draft-" + std::to_string(getpid());
  std::ofstream file{draft, std::ios::trunc};
  file << prometheus::TextSerializer{}.Serialize(registry.Collect());
  file.close();
  if (!file || std::rename(draft.c_str(), path.c_str()) != 0) {
    std::remove(draft.c_str());
    return Problem{path, "the metrics file cannot be written",
                   "check that its folder exists and may be written"};
  }
  return std::nullopt;
}

}  // namespace jobwatchdog
