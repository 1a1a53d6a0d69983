/// What a node does about one job at work: when to ask the provider, and what its word means for the job.
///
/// The same machine as in the browser (core/watch.hpp) with the provider as the server that it asks. Where a
/// page stops at "overdue", the server acts: it is the one that ends a job at its hard deadline. All time is
/// the database's.
#pragma once

#include <optional>
#include <string>

#include "core/verdict.hpp"
#include "core/watch.hpp"

namespace jobwatchdog {

/// A starting or running job as it was leased.
struct JobAtWork {
  JobStatus status{JobStatus::running};
  std::optional<std::string> task_id;          ///< Nothing: the answer to its submit is not known.
  std::optional<std::string> claimed_task_id;  ///< What a webhook with the job's token says the task is.
  Instant started_at;
  Instant deadline_at;   ///< The hard deadline.
  bool was_rung{false};  ///< A webhook asks for a check.
  WatchState watch;      ///< As the last check left it; a fresh one before the first.
};

/// What to do about a job now.
struct CheckDecision {
  enum class Kind {
    wait,      ///< Nothing; look again after `next_check_after`.
    ask,       ///< Ask the provider about `task_id`, then take_verdict().
    complete,  ///< Settle as completed with `output_url`.
    fail,      ///< Settle as failed with `error_message`; credits go back.
  };

  Kind kind{Kind::wait};
  Duration next_check_after{};  ///< Of `wait`.
  std::string task_id{};        ///< Of `ask`.
  bool adopt_task{false};       ///< First record the claimed task as the job's: the provider knows it.
  bool task_has_ended{false};   ///< Of `complete` and `fail`: nothing runs at the provider any more.
  std::string output_url{};
  std::string error_message{};  ///< For the user.
  std::string reason{};         ///< For the evidence.
};

/// A job whose check is due: ask, or wait on.
/** Source: design.md section 3 (step) and section 6 (reconcile); invariants.md R9. */
[[nodiscard]] CheckDecision begin_check(JobAtWork& job, WatchMoment moment, const WatchPolicy& policy);

/// The provider's word about the task that begin_check() asked about.
/** Units:  `moment.now` is the database's time when the answer came.
 *  Laws:   completed only by `succeeded`; failed only by `failed`, or past the hard deadline; silence is no
 * verdict. Source: invariants.md section 4 (money policy), 4.1 to 4.3.
 */
[[nodiscard]] CheckDecision take_verdict(JobAtWork& job, const Verdict& verdict, WatchMoment moment,
                                         const WatchPolicy& policy);

/// What to record of a submit.
struct SubmissionDecision {
  Submission::Kind outcome{Submission::Kind::unknown};
  std::string error_message{};  ///< For the user, should the job fail by it.
  Duration pause{};             ///< Leave the account alone for so long.
};

/// How a submit that was answered is recorded. `refusal_count` is how many of the account in a row had no
/// task.
/** A request that only a person can mend (key, balance, configuration) is no fault of the job: it goes back
 * to the queue, the account rests, and the cap on attempts ends it. Source: invariants.md section 4 (no
 * capacity; key errors), R7.
 */
[[nodiscard]] SubmissionDecision decide_submission(const Submission& submission, int refusal_count,
                                                   int draw_permille);

/// What to do about a task whose job is over.
struct ChaseDecision {
  bool has_ended{false};
  std::string output_url{};     ///< It finished all the same: a late result.
  Duration next_check_after{};  ///< Of one that has not ended: cancel it again then, and ask.
};

/// What the provider's word means for a task that was cancelled, `check_count` checks before this one.
/** Source: invariants.md section 4.2, 4.4, 4.5. */
[[nodiscard]] ChaseDecision decide_chase(const Verdict& verdict, int check_count, bool is_orphan);

}  // namespace jobwatchdog
