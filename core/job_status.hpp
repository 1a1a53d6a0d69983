/// The states of a job and the moves between them: one table, which is also the documentation.
///
/// README draws this table and a test compares the two. Terminal states never change again.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace jobwatchdog {

/// Who moves the job next is told beside each state.
enum class JobStatus {
  pending,    ///< Created, not yet charged or admitted. Next: the server, when the user starts it.
  queued,     ///< Charged, waits for a slot. Next: the server, first in first out.
  starting,   ///< Holds a slot, being submitted. Next: the server, when the provider answers.
  running,    ///< The provider works on it. Next: the provider's word, asked or told.
  completed,  ///< Terminal: the result is there.
  failed,     ///< Terminal: credits went back.
  cancelled,  ///< Terminal: a person ended it, credits went back.
};

inline constexpr std::array<JobStatus, 7> all_job_statuses{
    JobStatus::pending,   JobStatus::queued, JobStatus::starting, JobStatus::running,
    JobStatus::completed, JobStatus::failed, JobStatus::cancelled};

/// The word that the database, the wire and the pages use.
[[nodiscard]] std::string_view job_status_name(JobStatus status);

/// The status of that name, or nothing: an unknown word is the caller's to report.
[[nodiscard]] std::optional<JobStatus> job_status_of(std::string_view name);

[[nodiscard]] bool is_active(JobStatus status);    ///< pending, queued, starting, running
[[nodiscard]] bool holds_slot(JobStatus status);   ///< starting, running
[[nodiscard]] bool is_terminal(JobStatus status);  ///< completed, failed, cancelled

/// Whether a job may go from one status to another. Staying is not a move: the answer is false.
/** Source: design.md section 3, the transitions. */
[[nodiscard]] bool may_move(JobStatus from, JobStatus to);

}  // namespace jobwatchdog
