// What makes a set of policy numbers usable.
#include "core/policy.hpp"

#include "core/duration_text.hpp"

namespace jobwatchdog {
namespace {

void want_at_least(std::vector<Problem>& problems, const char* where, Duration value, Duration least) {
  if (value >= least) return;
  problems.push_back({where, "is " + duration_text(value) + ", which is too short to be meant",
                      "give at least " + std::to_string(least.ms) + " (milliseconds)"});
}

}  // namespace

std::vector<Problem> validate_watch_policy(const WatchPolicy& policy) {
  std::vector<Problem> problems;
  want_at_least(problems, "WATCHDOG_INITIAL_DELAY_MS", policy.initial_delay, seconds(1));
  want_at_least(problems, "WATCHDOG_POLL_INTERVAL_MS", policy.poll_interval, seconds(1));
  if (policy.timeout_max < policy.initial_delay + policy.poll_interval) {
    problems.push_back(
        {"WATCHDOG_MAX_TIMEOUT_MS",
         "is " + duration_text(policy.timeout_max) + ", so a job would be given up before its second check",
         "give more than WATCHDOG_INITIAL_DELAY_MS + WATCHDOG_POLL_INTERVAL_MS"});
  }
  return problems;
}

std::vector<Problem> validate_policy(const Policy& policy) {
  std::vector<Problem> problems = validate_watch_policy(policy.watch);
  want_at_least(problems, "WATCHDOG_EXAM_STUCK_AFTER_MS", policy.exam_stuck_after, seconds(1));
  want_at_least(problems, "WATCHDOG_JOB_STALE_AFTER_MS", policy.job_stale_after, seconds(1));
  want_at_least(problems, "WATCHDOG_SWEEP_PERIOD_MS", policy.sweep_period, seconds(1));
  if (policy.watch.timeout_max < policy.job_stale_after) {
    problems.push_back(
        {"WATCHDOG_MAX_TIMEOUT_MS",
         "is shorter than WATCHDOG_JOB_STALE_AFTER_MS, so a job would be failed before it is suspected",
         "give at least " + std::to_string(policy.job_stale_after.ms)});
  }
  if (policy.concurrent_jobs_max < 1) {
    problems.push_back(
        {"WATCHDOG_CONCURRENT_JOBS_MAX", "is below 1, so no job could ever start", "give 1 or more"});
  }
  return problems;
}

Duration detection_time_max(Duration stuck_after, Duration sweep_period) {
  return stuck_after + sweep_period;
}

}  // namespace jobwatchdog
