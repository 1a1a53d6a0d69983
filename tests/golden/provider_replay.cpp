// Golden rows about the provider's replies, played through core.
#include "tests/golden/provider_replay.hpp"

#include <cstdlib>

#include "core/retry_after.hpp"
#include "core/runninghub_codes.hpp"

namespace jobwatchdog {
namespace {

using Cells = std::vector<std::string>;

std::string known(const std::string& cell) { return cell == "-" ? "" : cell; }

std::string words_of(const char* kind, bool needs_person) {
  return std::string{kind} + (needs_person ? " person" : "");
}

std::string words_of(const Verdict& verdict) {
  static const char* const kinds[] = {"queued", "running", "succeeded", "failed", "not_found", "unknown"};
  return words_of(kinds[static_cast<int>(verdict.kind)], verdict.needs_person);
}

std::string words_of(const Submission& submission) {
  static const char* const kinds[] = {"accepted", "no_capacity", "not_sent", "refused", "unknown"};
  return words_of(kinds[static_cast<int>(submission.kind)], submission.needs_person);
}

RunningHubReply reply_of(const std::string& http_status, const std::string& code) {
  RunningHubReply reply;
  reply.http_status = std::atoi(http_status.c_str());
  reply.is_readable = code != "unreadable";
  if (reply.is_readable) reply.code = known(code);
  return reply;
}

/// code | CODE | MESSAGE | CLASS | VERDICT | SUBMISSION
std::string replay_code(const Cells& cells) {
  RunningHubReply reply = reply_of("200", cells[1]);
  reply.message = cells[2];
  const std::string code_class{code_class_name(code_class_of(reply.code, reply.message))};
  const std::string verdict = words_of(verdict_of(reply));
  // All three are expected; one that differs is told in place of the last.
  if (code_class != cells[3] || verdict != cells[4]) return code_class + " | " + verdict;
  return words_of(submission_of(reply));
}

/// query | HTTP STATUS | CODE | WORD | RESULT | VERDICT
std::string replay_query(const Cells& cells) {
  RunningHubReply reply = reply_of(cells[1], cells[2]);
  reply.status = known(cells[3]);
  if (cells[4] == "url" || cells[4] == "both") reply.output_urls = {"https://example.com/out.png"};
  if (cells[4] == "text" || cells[4] == "both") reply.text = "text";
  return words_of(verdict_of(reply));
}

/// submit | HTTP STATUS | CODE | TASK ID | SUBMISSION
std::string replay_submit(const Cells& cells) {
  RunningHubReply reply = reply_of(cells[1], cells[2]);
  reply.task_id = known(cells[3]);
  return words_of(submission_of(reply));
}

/// retry_after | HEADER | DATE | MS
std::string replay_retry_after(const Cells& cells) {
  const std::optional<Duration> rest = parse_retry_after(known(cells[1]), known(cells[2]));
  return rest ? std::to_string(rest->ms) : "unreadable";
}

}  // namespace

bool is_provider_row(const Cells& cells) {
  return (cells[0] == "code" && cells.size() == 6) || (cells[0] == "query" && cells.size() == 6) ||
         (cells[0] == "submit" && cells.size() == 5) || (cells[0] == "retry_after" && cells.size() == 4);
}

std::string replay_provider(const Cells& cells) {
  if (cells[0] == "code") return replay_code(cells);
  if (cells[0] == "query") return replay_query(cells);
  return cells[0] == "submit" ? replay_submit(cells) : replay_retry_after(cells);
}

}  // namespace jobwatchdog
