/// The settle decision: what becomes of one suspected job.
///
/// Limit, stated: without a provider a job is judged by its age alone, so a slow but healthy job that never
/// touches its `age_of` column is settled too. `older_than` above the longest honest run prevents that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/rule.hpp"
#include "core/time.hpp"
#include "core/verdict.hpp"

namespace jobwatchdog {

/// The facts of one row, as loaded.
struct JobFacts {
  std::string key;
  std::string status;
  std::optional<Instant> aged_since;   ///< Value of `age_of`; nothing when the column is NULL.
  std::optional<std::string> task_id;  ///< Nothing when the job never reached the provider.
  std::int64_t rescue_count{0};
  bool charged{false};
  bool refunded{false};
  std::int64_t refund_amount{0};  ///< In credits; what was charged.
};

/// What to do with the row, and why in words that a person can check against the facts.
struct Settlement {
  enum class Kind {
    keep,                 ///< Leave the row alone.
    report_exhausted,     ///< Stuck, but its rescues are used up: tell a person.
    ask_provider,         ///< Suspect: the provider must be asked before anything is settled.
    settle_by_rule,       ///< Apply the rule's `set`; refund when due.
    settle_as_succeeded,  ///< The work was done: complete with the provider's output. Never a refund.
    settle_as_failed,     ///< The provider says failed: the rule's `set`, refund when due.
  };

  Kind kind{Kind::keep};
  std::string reason;
  bool refund_due{false};
  bool cancel_at_provider{false};  ///< The task may still run there: cancel it, so that nobody pays for it.
};

/// Whether money goes back when this row is settled as not done: charged, not yet refunded, amount above 0.
[[nodiscard]] bool refund_is_due(const Rule& rule, const JobFacts& job);

/// Decides over one job. `verdict` is what the provider said, or nothing when it has not been asked.
/** Units:  `now` is the database's clock, the same instant for all rows of one pass.
 *  Errors: none; every combination has an answer.
 *  Source: design.md section 4 (with a provider ...), invariants.md section 4 (money policy).
 */
[[nodiscard]] Settlement decide_settlement(const Rule& rule, const JobFacts& job,
                                           const std::optional<Verdict>& verdict, Instant now);

}  // namespace jobwatchdog
