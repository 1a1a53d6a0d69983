/// What the provider says: of one task, of a request to start one, of a request to cancel one.
#pragma once

#include <string>
#include <vector>

#include "core/time.hpp"

namespace jobwatchdog {

/// One answer about a task, already classified. Only `succeeded` and `failed` are the task's end; silence is
/// never a verdict.
/** Source: design.md section 3 (Verdict), invariants.md section 4. */
struct Verdict {
  enum class Kind {
    alive_queued,   ///< The provider has it and has not begun.
    alive_running,  ///< The provider works on it.
    succeeded,      ///< Definite: `output_urls` hold the result.
    failed,         ///< Definite: `code` and `message` say why. Also when it was cancelled there.
    not_found,      ///< The provider does not know the task; not a proof that it never ran.
    unknown,        ///< No usable answer: time-out, 5xx, garbage, wrong key, or nobody was asked.
  };

  Kind kind{Kind::unknown};
  std::vector<std::string> output_urls;
  std::string code;
  std::string message;
  Duration retry_after{};    ///< The provider wants to be left alone for so long.
  bool needs_person{false};  ///< Asking again will not help before somebody mends key or configuration.

  bool operator==(const Verdict&) const = default;
};

/// Its name in evidence and reports.
[[nodiscard]] constexpr const char* verdict_name(Verdict::Kind kind) {
  switch (kind) {
    case Verdict::Kind::alive_queued: return "alive_queued";
    case Verdict::Kind::alive_running: return "alive_running";
    case Verdict::Kind::succeeded: return "succeeded";
    case Verdict::Kind::failed: return "failed";
    case Verdict::Kind::not_found: return "not_found";
    case Verdict::Kind::unknown: break;
  }
  return "unknown";
}

/// What became of a request to start a task. It is never made again unless no task can exist.
/** Source: design.md section 8 (submit is not idempotent), invariants.md R7 and section 4. */
struct Submission {
  enum class Kind {
    accepted,     ///< `task_id` is the task.
    no_capacity,  ///< Refused for want of room (421, 415, 814): back to the queue, no money moves.
    not_sent,     ///< No task can exist: never connected, or refused before it was looked at (429).
    refused,      ///< Definite: no task exists and the same request will be refused again.
    unknown,      ///< A task may exist: time-out, 5xx, garbage. Hold the job and find out.
  };

  Kind kind{Kind::unknown};
  std::string task_id;
  std::string code;
  std::string message;
  Duration retry_after{};
  bool needs_person{false};  ///< Nothing will be accepted before somebody mends key or configuration.

  bool operator==(const Submission&) const = default;
};

}  // namespace jobwatchdog
