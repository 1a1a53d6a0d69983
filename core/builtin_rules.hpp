/// The rules that are there without a configuration file: those of the managed schema.
#pragma once

#include <vector>

#include "core/policy.hpp"
#include "core/rule.hpp"

namespace jobwatchdog {

/// `stuck-exams` and `stale-ai-jobs` with the thresholds of `policy`.
/** The four job tables are settled by `watchdog.settle_locked_jobs`, which keeps the ledger; see README, "Two
 * ways to use it". Source: design.md sections 3 (tools, policy) and 4 (rules).
 */
[[nodiscard]] std::vector<Rule> builtin_rules(const Policy& policy);

}  // namespace jobwatchdog
