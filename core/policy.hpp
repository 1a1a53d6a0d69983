/// The numbers that the watchdog obeys, their defaults, and what makes a set of them usable.
#pragma once

#include <vector>

#include "core/problem.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

/// How a single job is watched. Names of the environment are told beside each number here and below; they are
/// the place of a problem.
struct WatchPolicy {
  Duration initial_delay{seconds(30)};  ///< WATCHDOG_INITIAL_DELAY_MS: rest before the first check of a job.
  Duration poll_interval{seconds(15)};  ///< WATCHDOG_POLL_INTERVAL_MS: rest between checks.
  Duration timeout_max{minutes(12)};    ///< WATCHDOG_MAX_TIMEOUT_MS: the hard deadline of one job.
  /// Rest after a first check without a usable answer; it doubles from there, up to `poll_interval`. 0: it
  /// begins with `poll_interval` and doubles up to a minute, because pages are many.
  Duration retry_delay_min{};
};

struct Policy {
  bool watchdog_enabled{false};  ///< WATCHDOG_ENABLED
  WatchPolicy watch;
  Duration exam_stuck_after{
      minutes(5)};  ///< WATCHDOG_EXAM_STUCK_AFTER_MS: exams in `analyzing`, by updated_at.
  Duration job_stale_after{
      minutes(10)};                   ///< WATCHDOG_JOB_STALE_AFTER_MS: AI jobs queued, starting or running.
  Duration sweep_period{minutes(5)};  ///< WATCHDOG_SWEEP_PERIOD_MS: how often cron runs `sweep`.
  int concurrent_jobs_max{3};         ///< WATCHDOG_CONCURRENT_JOBS_MAX: tasks at the provider, per account.
};

/// Every reason why a job cannot be watched by these numbers, in the order of the fields; empty when it can.
/** Source: design.md section 3, Policy. */
[[nodiscard]] std::vector<Problem> validate_watch_policy(const WatchPolicy& policy);

/// Every reason why these numbers cannot be obeyed, in the order of the fields; empty when they can.
/** Source: design.md section 3, Policy. */
[[nodiscard]] std::vector<Problem> validate_policy(const Policy& policy);

/// The longest time from getting stuck to being found: threshold plus the period of the sweep.
/** Source: design.md section 4 (worst-case detection), invariants.md section 4.9. */
[[nodiscard]] Duration detection_time_max(Duration stuck_after, Duration sweep_period);

}  // namespace jobwatchdog
