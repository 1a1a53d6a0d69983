/// What the provider says of one task.
#pragma once

#include <string>
#include <vector>

namespace jobwatchdog {

/// One answer, already classified. Only `succeeded` and `failed` are the task's end; silence is never a
/// verdict.
/** Source: design.md section 3 (Verdict), invariants.md section 4. */
struct Verdict {
  enum class Kind {
    alive_queued,   ///< The provider has it and has not begun.
    alive_running,  ///< The provider works on it.
    succeeded,      ///< Definite: `output_urls` hold the result.
    failed,         ///< Definite: `code` and `message` say why.
    not_found,      ///< The provider does not know the task; not a proof that it never ran.
    unknown,        ///< No usable answer: time-out, 5xx, garbage, wrong key, or nobody was asked.
  };

  Kind kind{Kind::unknown};
  std::vector<std::string> output_urls;
  std::string code;
  std::string message;
};

}  // namespace jobwatchdog
