/// RunningHub's codes and words, and what they mean for a job: the one table, and the two judgements by it.
///
/// Only a definite word of the provider ends a task. Whatever is unreadable, contradicts itself or is not in
/// the table is `unknown`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/verdict.hpp"

namespace jobwatchdog {

enum class CodeClass {
  none,          ///< The reply holds no code.
  ok,            ///< 0
  running,       ///< The task runs.
  queued,        ///< The task waits.
  task_failed,   ///< The task failed, was interrupted or cancelled.
  not_found,     ///< The provider does not know the task.
  no_capacity,   ///< No room for another task now.
  rate_limited,  ///< Too many requests: refused before it was looked at.
  transient,     ///< Trouble of the provider's own; what it did before that, it does not say.
  content,       ///< The content is not allowed.
  balance,       ///< The account's money is used up.
  access,        ///< The key or the set-up of the account or the app is wrong.
  input,         ///< The inputs of the task were judged and found wrong: no task runs with them.
  caller,        ///< The request itself is wrong.
  unclear,       ///< Known, but it says nothing that one could act on.
  unmapped,      ///< Not in the table.
};

struct RunningHubCode {
  std::string_view code;  ///< A number; one is only known by its name.
  std::string_view name;
  CodeClass code_class;
};

/// All codes that are known.
[[nodiscard]] const std::vector<RunningHubCode>& runninghub_codes();

[[nodiscard]] std::string_view code_class_name(CodeClass code_class);

/// The class of a reply's code; `message` names the code that has no known number.
[[nodiscard]] CodeClass code_class_of(std::string_view code, std::string_view message);

/// One reply as it was read, whatever its shape was.
struct RunningHubReply {
  int http_status{0};
  bool is_readable{false};  ///< JSON without contradictions, and about the task that was asked for.
  std::string code{};       ///< "" without one.
  std::string message{};
  std::string status{};   ///< The task's state in the provider's word, "" without one.
  std::string task_id{};  ///< "" without one.
  std::vector<std::string> output_urls{};
  std::string text{};      ///< A result that is no file.
  Duration retry_after{};  ///< Of the header; 0 without one.
};

/// What a reply to a query says of the task. A `failed` is to be read a second time before it is believed.
/** Source: invariants.md section 4; protocols.md 1.4 and 1.7. */
[[nodiscard]] Verdict verdict_of(const RunningHubReply& reply);

/// What a reply to a submit says.
/** Source: invariants.md section 4; protocols.md 1.3 and 1.7. */
[[nodiscard]] Submission submission_of(const RunningHubReply& reply);

}  // namespace jobwatchdog
