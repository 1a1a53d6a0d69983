// RunningHub's codes as one table, and the judgements by it.
#include "core/runninghub_codes.hpp"

#include <algorithm>
#include <array>

namespace jobwatchdog {
namespace {

bool is_success(int http_status) { return http_status >= 200 && http_status < 300; }

bool is_refused_access(int http_status) { return http_status == 401 || http_status == 403; }

/// A status that tells of a wrong address or key, so that asking again will not help: a redirect (nothing is
/// followed), a door that is locked or not there.
bool is_wrong_door(int http_status) {
  return (http_status >= 300 && http_status < 400) || is_refused_access(http_status) || http_status == 404 ||
         http_status == 405;
}

bool is_for_a_person(CodeClass code_class) {
  return code_class == CodeClass::access || code_class == CodeClass::balance;
}

bool has_result(const RunningHubReply& reply) { return !reply.output_urls.empty() || !reply.text.empty(); }

/// Without a word of state the code speaks. "Succeeded" without a result is no success that anybody could be
/// given: it is asked again, and the deadline ends it with a refund.
Verdict::Kind kind_by_code(CodeClass code_class, const RunningHubReply& reply) {
  using Kind = Verdict::Kind;
  switch (code_class) {
    case CodeClass::ok: return has_result(reply) ? Kind::succeeded : Kind::unknown;
    case CodeClass::running: return Kind::alive_running;
    case CodeClass::queued: return Kind::alive_queued;
    case CodeClass::task_failed:
    case CodeClass::input: return Kind::failed;
    case CodeClass::not_found: return Kind::not_found;
    default: return Kind::unknown;
  }
}

/// A word of state, unless the code contradicts it. A code of access, rate or not-found beside FAILED may
/// tell of the call and not of the task, so these stay what they are without the word.
Verdict::Kind kind_by_status(CodeClass code_class, const RunningHubReply& reply) {
  using Kind = Verdict::Kind;
  const bool is_silent = code_class == CodeClass::none || code_class == CodeClass::ok;
  const bool is_alive = code_class == CodeClass::running || code_class == CodeClass::queued;
  const std::string& word = reply.status;
  if (word == "CREATE" || word == "QUEUED") return is_silent || is_alive ? Kind::alive_queued : Kind::unknown;
  if (word == "RUNNING") return is_silent || is_alive ? Kind::alive_running : Kind::unknown;
  if (word == "SUCCESS") return is_silent && has_result(reply) ? Kind::succeeded : Kind::unknown;
  if (word != "FAILED" && word != "CANCEL") return Kind::unknown;
  if (code_class == CodeClass::not_found) return Kind::not_found;
  const bool is_about_call = code_class == CodeClass::access || code_class == CodeClass::rate_limited;
  return is_alive || is_about_call ? Kind::unknown : Kind::failed;
}

/// A submit whose reply names no task, by its code. What is definite is refused, so that the user's credits
/// come back at once: also where the key, the set-up or the balance is at fault, for no task exists and no
/// user can mend it; `needs_person` then calls for somebody who can.
Submission::Kind submission_by_code(CodeClass code_class) {
  using Kind = Submission::Kind;
  switch (code_class) {
    case CodeClass::no_capacity: return Kind::no_capacity;
    case CodeClass::rate_limited: return Kind::not_sent;
    case CodeClass::content:
    case CodeClass::balance:
    case CodeClass::access:
    case CodeClass::input:
    case CodeClass::caller: return Kind::refused;
    default: return Kind::unknown;
  }
}

Submission::Kind submission_kind(const RunningHubReply& reply, CodeClass code_class) {
  using Kind = Submission::Kind;
  if (reply.is_readable && !reply.task_id.empty()) return Kind::accepted;  // Its state a query will tell.
  if (reply.http_status == 429) return Kind::not_sent;
  if (!reply.is_readable || reply.http_status >= 500) return Kind::unknown;
  // Who says that we may not enter has not let us in.
  if (is_refused_access(reply.http_status) &&
      (code_class == CodeClass::none || code_class == CodeClass::unmapped))
    return Kind::refused;
  return submission_by_code(code_class);
}

}  // namespace

const std::vector<RunningHubCode>& runninghub_codes() {
  static const std::vector<RunningHubCode> table{
      {"0", "success", CodeClass::ok},
      {"1", "varies", CodeClass::unclear},
      {"301", "PARAMS_INVALID", CodeClass::caller},
      {"380", "WORKFLOW_NOT_EXISTS", CodeClass::access},
      {"412", "TOKEN_INVALID", CodeClass::access},
      {"415", "TASK_INSTANCE_MAXED", CodeClass::no_capacity},
      {"416", "TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET", CodeClass::balance},
      {"421", "TASK_QUEUE_MAXED", CodeClass::no_capacity},
      {"423", "TASK_NOT_FOUNED", CodeClass::not_found},
      {"433", "VALIDATE_PROMPT_FAILED", CodeClass::input},
      {"435", "TASK_USER_EXCLAPI_INSTANCE_NOT_FOUND", CodeClass::access},
      {"436", "TASK_USER_EXCLAPI_REQUIRED", CodeClass::access},
      {"500", "UNKNOWN_ERROR", CodeClass::transient},
      {"801", "APIKEY_UNSUPPORTED_FREE_USER", CodeClass::access},
      {"802", "APIKEY_UNAUTHORIZED", CodeClass::access},
      {"803", "APIKEY_INVALID_NODE_INFO", CodeClass::input},
      {"804", "APIKEY_TASK_IS_RUNNING", CodeClass::running},
      {"805", "APIKEY_TASK_STATUS_ERROR", CodeClass::task_failed},
      {"806", "APIKEY_USER_NOT_FOUND", CodeClass::access},
      {"807", "APIKEY_TASK_NOT_FOUND", CodeClass::not_found},
      {"808", "APIKEY_UPLOAD_FAILED", CodeClass::caller},
      {"809", "APIKEY_FILE_SIZE_EXCEEDED", CodeClass::caller},
      {"810", "WORKFLOW_NOT_SAVED_OR_NOT_RUNNING", CodeClass::access},
      {"811", "CORPAPIKEY_INVALID", CodeClass::access},
      {"812", "CORPAPIKEY_INSUFFICIENT_FUNDS", CodeClass::balance},
      {"813", "APIKEY_TASK_IS_QUEUED", CodeClass::queued},
      {"814", "PERSONAL_QUEUE_COUNT_LIMIT", CodeClass::no_capacity},
      {"901", "WEBAPP_NOT_EXISTS", CodeClass::access},
      {"1000", "unknown error", CodeClass::unclear},
      {"1001", "invalid URL", CodeClass::caller},
      {"1002", "API key invalid", CodeClass::access},
      {"1003", "rate limited", CodeClass::rate_limited},
      {"1004", "task not found or expired", CodeClass::not_found},
      {"1005", "internal error", CodeClass::transient},
      {"1006", "execution timed out", CodeClass::transient},
      {"1007", "parameters", CodeClass::caller},
      {"1008", "file size", CodeClass::caller},
      {"1009", "HTTP method", CodeClass::caller},
      {"1010", "service unavailable", CodeClass::transient},
      {"1011", "system busy", CodeClass::transient},
      {"1012", "upstream response", CodeClass::transient},
      {"1013", "file processing", CodeClass::transient},
      {"1014", "standard model API is for Enterprise-Shared keys", CodeClass::access},
      {"1015", "generation failed", CodeClass::transient},
      {"1101", "node info", CodeClass::caller},
      {"1501", "content verification failed", CodeClass::content},
      {"1504", "model timed out", CodeClass::transient},
      {"1505", "photorealistic real people prohibited", CodeClass::content},
      {"TASK_CREATE_FAILED_BY_NOT_ENOUGH_POWER_VALUE", "", CodeClass::balance},
  };
  return table;
}

std::string_view code_class_name(CodeClass code_class) {
  static constexpr std::array<std::string_view, 16> names{
      "none",      "ok",      "running", "queued", "task_failed", "not_found", "no_capacity", "rate_limited",
      "transient", "content", "balance", "access", "input",       "caller",    "unclear",     "unmapped"};
  return names[static_cast<std::size_t>(code_class)];
}

CodeClass code_class_of(std::string_view code, std::string_view message) {
  if (code.empty()) return CodeClass::none;
  const auto find = [](std::string_view wanted) {
    return std::find_if(runninghub_codes().begin(), runninghub_codes().end(),
                        [&](const RunningHubCode& known) { return known.code == wanted; });
  };
  auto found = find(code);
  // By its name only the one that has no number: a message is too free a text to be a code.
  if (found == runninghub_codes().end() && message.substr(0, 5) == "TASK_") found = find(message);
  return found == runninghub_codes().end() ? CodeClass::unmapped : found->code_class;
}

Verdict verdict_of(const RunningHubReply& reply) {
  using Kind = Verdict::Kind;
  const CodeClass code_class = code_class_of(reply.code, reply.message);
  Verdict verdict{Kind::unknown, {}, reply.code, reply.message, reply.retry_after};
  verdict.needs_person =
      is_wrong_door(reply.http_status) || (reply.is_readable && is_for_a_person(code_class));
  if (!reply.is_readable) return verdict;
  const Kind kind =
      reply.status.empty() ? kind_by_code(code_class, reply) : kind_by_status(code_class, reply);
  if (is_success(reply.http_status)) {
    verdict.kind = kind;
  } else if (kind == Kind::not_found && reply.http_status < 500 && reply.http_status != 429) {
    verdict.kind = kind;  // A 404 with the code for it is about the task, not about the address.
    verdict.needs_person = false;
  }
  if (verdict.kind == Kind::succeeded) verdict.output_urls = reply.output_urls;
  if (verdict.kind == Kind::succeeded && reply.output_urls.empty()) verdict.message = reply.text;
  return verdict;
}

Submission submission_of(const RunningHubReply& reply) {
  const CodeClass code_class = code_class_of(reply.code, reply.message);
  Submission submission{submission_kind(reply, code_class), "", reply.code, reply.message, reply.retry_after};
  if (submission.kind == Submission::Kind::accepted) {
    submission.task_id = reply.task_id;
  } else {
    submission.needs_person =
        is_wrong_door(reply.http_status) || (reply.is_readable && is_for_a_person(code_class));
  }
  return submission;
}

}  // namespace jobwatchdog
