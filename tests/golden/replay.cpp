// Replays golden tables through core. Written without exceptions and libraries, so that Emscripten builds it
// too.
//
// A table is lines of "KIND | inputs ... | expected". '#' begins a comment; blanks around '|' do not count.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/backoff.hpp"
#include "core/duration_text.hpp"
#include "core/flag_evaluation.hpp"
#include "core/job_status.hpp"
#include "core/settlement.hpp"
#include "core/sql_text.hpp"
#include "tests/golden/provider_replay.hpp"
#include "tests/golden/watch_replay.hpp"

namespace jobwatchdog {
namespace {

using Cells = std::vector<std::string>;

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

Cells split(const std::string& line) {
  Cells cells;
  std::size_t from = 0;
  while (true) {
    const std::size_t bar = line.find('|', from);
    cells.push_back(trimmed(line.substr(from, bar - from)));
    if (bar == std::string::npos) return cells;
    from = bar + 1;
  }
}

Duration duration_of(const std::string& text) {
  const Result<Duration> parsed = parse_duration(text);
  return parsed.ok() ? parsed.value() : Duration{-1};
}

/// move | FROM | TO | yes or no
std::string replay_move(const Cells& cells) {
  const auto from = job_status_of(cells[1]);
  const auto to = job_status_of(cells[2]);
  if (!from || !to) return "no such status";
  return may_move(*from, *to) ? "yes" : "no";
}

/// backoff | FAILED ATTEMPTS | JITTER PERMILLE | MS, with the default policy
std::string replay_backoff(const Cells& cells) {
  return std::to_string(backoff_delay(std::atoi(cells[1].c_str()), std::atoi(cells[2].c_str()), {}).ms);
}

/// duration | TEXT | MS or "refused"
std::string replay_duration(const Cells& cells) {
  const Result<Duration> parsed = parse_duration(cells[1]);
  return parsed.ok() ? std::to_string(parsed.value().ms) : "refused";
}

/// name | AS WRITTEN | QUOTED or "refused"
std::string replay_name(const Cells& cells) {
  const Result<QualifiedName> parsed = parse_qualified_name(cells[1]);
  return parsed.ok() ? quoted(parsed.value()) : "refused";
}

Rule golden_rule(const std::string& provider) {
  Rule rule;
  rule.name = "golden";
  rule.tables = {{"public", "jobs"}};
  rule.stuck_in = {"queued", "starting", "running"};
  rule.age_of = {"created_at"};
  rule.older_than = minutes(10);
  rule.set = {{"status", Assignment::Kind::literal, "failed"}};
  rule.refund = Refund{QualifiedName{"public", "refund"}, "user_id", "cost", "charged", "refunded", ""};
  if (provider == "provider")
    rule.provider = ProviderLink{"runninghub", "task_id", "api_account", minutes(12)};
  if (provider == "capped") {
    rule.rescues_max = 3;
    rule.rescue_count = "rescue_count";
  }
  return rule;
}

std::optional<Verdict> verdict_of(const std::string& word) {
  using Kind = Verdict::Kind;
  if (word == "queued") return Verdict{Kind::alive_queued, {}, "", ""};
  if (word == "running") return Verdict{Kind::alive_running, {}, "", ""};
  if (word == "succeeded") return Verdict{Kind::succeeded, {"https://example.com/out.png"}, "", ""};
  if (word == "failed") return Verdict{Kind::failed, {}, "805", "no"};
  if (word == "not_found") return Verdict{Kind::not_found, {}, "", ""};
  if (word == "unknown") return Verdict{Kind::unknown, {}, "", ""};
  return std::nullopt;
}

/// settle | RULE (plain, provider, capped) | STATUS | AGE | TASK | RESCUES | CHARGED,REFUNDED,AMOUNT |
/// VERDICT | DECISION
std::string replay_settle(const Cells& cells) {
  const Instant now{1'700'000'000'000};
  JobFacts job;
  job.key = "1";
  job.status = cells[2];
  if (cells[3] != "-") job.aged_since = Instant{now.ms - duration_of(cells[3]).ms};
  if (cells[4] != "-") job.task_id = cells[4];
  job.rescue_count = std::atoi(cells[5].c_str());
  job.charged = cells[6][0] == 'y';
  job.refunded = cells[6][2] == 'y';
  job.refund_amount = std::atoi(cells[6].c_str() + 4);
  const Settlement settlement = decide_settlement(golden_rule(cells[1]), job, verdict_of(cells[7]), now);
  static const char* const words[] = {"keep", "exhausted", "ask", "settle", "succeeded", "failed"};
  std::string text = words[static_cast<int>(settlement.kind)];
  if (settlement.refund_due) text += " +refund";
  if (settlement.cancel_at_provider) text += " +cancel";
  return text;
}

/// The rows of watch scenarios: see tests/golden/watch_replay.hpp. A row that only prepares expects its own
/// last cell.
std::string replay_watch(const Cells& cells) {
  static WatchReplay watch;
  if (cells[0] == "watch") return watch.play(cells[1], cells[2]);
  if (cells[0] == "scenario") watch.begin_scenario();
  if (cells[0] == "policy") watch.set_policy(cells[1], cells[2], cells[3]);
  return cells.back();
}

/// flag | NAME | DEFINITION | USER | TOOL | SESSION | VALUE REASON, or ERROR CODE
std::string replay_flag(const Cells& cells) {
  const auto known = [&](std::size_t cell) { return cells[cell] == "-" ? "" : cells[cell]; };
  const FlagEvaluation flag = evaluate_flag_text(cells[1], cells[2], {known(3), known(4), known(5)});
  const std::string reason{flag_reason_name(flag.reason)};
  if (flag.reason == FlagReason::error)
    return reason + " " + std::string{flag_error_code_name(flag.error_code)};
  return flag_value_text(flag.value) + " " + reason;
}

/// flag_text | NAME | DEFINITION | AS WRITTEN BACK
std::string replay_flag_text(const Cells& cells) {
  const KnownFlag* flag = find_flag(cells[1]);
  if (flag == nullptr) return "no such flag";
  const auto parsed = parse_flag_definition(cells[2], *flag);
  return parsed.ok() ? flag_definition_text(parsed.value()) : parsed.error().problem.what;
}

std::string replay(const Cells& cells) {
  if (cells[0] == "watch" && cells.size() == 4) return replay_watch(cells);
  if (cells[0] == "scenario" && cells.size() == 2) return replay_watch(cells);
  if (cells[0] == "policy" && cells.size() == 4) return replay_watch(cells);
  if (is_provider_row(cells)) return replay_provider(cells);
  if (cells[0] == "move" && cells.size() == 4) return replay_move(cells);
  if (cells[0] == "backoff" && cells.size() == 4) return replay_backoff(cells);
  if (cells[0] == "duration" && cells.size() == 3) return replay_duration(cells);
  if (cells[0] == "name" && cells.size() == 3) return replay_name(cells);
  if (cells[0] == "settle" && cells.size() == 9) return replay_settle(cells);
  if (cells[0] == "flag" && cells.size() == 7) return replay_flag(cells);
  if (cells[0] == "flag_text" && cells.size() == 4) return replay_flag_text(cells);
  if (cells[0] == "flag_bucket" && cells.size() == 4) return std::to_string(flag_bucket(cells[1], cells[2]));
  return "this row cannot be read";
}

std::string read_file(const char* path) {
  std::string text;
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) return text;
  char buffer[4096];
  for (std::size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, file)) > 0;)
    text.append(buffer, count);
  std::fclose(file);
  return text;
}

/// Replays one table; gives the number of rows that differ, or -1 when it has none.
int replay_table(const char* path, int& row_count) {
  const std::string text = read_file(path);
  int wrong = 0;
  int rows = 0;
  int line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at) == std::string::npos ? text.size() : text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (trimmed(line).empty() || trimmed(line)[0] == '#') continue;
    const Cells cells = split(line);
    const std::string got = replay(cells);
    ++rows;
    if (got == cells.back()) continue;
    ++wrong;
    std::printf("%s:%d: expected \"%s\", got \"%s\"\n", path, line_number, cells.back().c_str(), got.c_str());
  }
  row_count += rows;
  return rows == 0 ? -1 : wrong;
}

}  // namespace
}  // namespace jobwatchdog

int main(int argc, char** argv) {
  int wrong = argc < 2 ? 1 : 0;
  int rows = 0;
  for (int i = 1; i < argc; ++i) {
    const int result = jobwatchdog::replay_table(argv[i], rows);
    if (result < 0) std::printf("%s: no rows\n", argv[i]);
    wrong += result == 0 ? 0 : 1;
  }
  std::printf("%d golden rows in %d tables, %d tables differ\n", rows, argc - 1, wrong);
  return wrong == 0 ? 0 : 1;
}
