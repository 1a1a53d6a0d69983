// What a sweep did, as text and as JSON.
#include "native/sweep_report.hpp"

#include <algorithm>

#include "core/duration_text.hpp"
#include "core/spelling.hpp"
#include "native/json_text.hpp"
#include "native/stop_signal.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t rows_shown_max = 10;  // Of one table, in text; --json lists more.

std::string outcome_name(SweepOutcome outcome) {
  switch (outcome) {
    case SweepOutcome::done: return "done";
    case SweepOutcome::partial: return "partial";
    case SweepOutcome::failed: return "failed";
    case SweepOutcome::time_is_up: return "time_is_up";
    case SweepOutcome::interrupted: break;
  }
  return "interrupted";
}

std::string summary_line(const SweepResult& result) {
  if (!result.switched_off_by.empty() && !result.dry_run)
    return "nothing was swept: switched off by " + result.switched_off_by;
  const auto count = [&](std::int64_t TableResult::*field) { return result.total(field); };
  std::size_t tables = 0;
  for (const RuleResult& rule : result.rules) tables += rule.tables.size();
  const std::string scope = std::to_string(result.rules.size()) +
                            (result.rules.size() == 1 ? " rule, " : " rules, ") + std::to_string(tables) +
                            (tables == 1 ? " table, " : " tables, ") +
                            duration_text(milliseconds(result.duration_ms));
  if (count(&TableResult::found_count) == 0 && count(&TableResult::exhausted_count) == 0) {
    return result.outcome == SweepOutcome::failed ? "nothing could be done (" + scope + ")"
                                                  : "nothing is stuck (" + scope + ")";
  }
  std::string line = (result.dry_run ? "would settle " : "settled ") +
                     grouped(count(&TableResult::settled_count)) + " of " +
                     grouped(count(&TableResult::found_count)) + " stuck rows";
  if (count(&TableResult::completed_count) > 0)
    line += " (" + grouped(count(&TableResult::completed_count)) +
            " of them completed: the provider had done the work)";
  if (count(&TableResult::refunded_count) > 0) {
    line += (result.dry_run ? ", would give back " : ", gave back ") +
            grouped(count(&TableResult::refunded_credits)) + " credits in " +
            grouped(count(&TableResult::refunded_count)) + " refunds";
  }
  if (count(&TableResult::isolated_count) > 0)
    line += ", " + grouped(count(&TableResult::isolated_count)) + " could not be settled";
  line += " (" + scope + ")";
  if (result.outcome == SweepOutcome::time_is_up) line += "; the time was up, the next sweep goes on";
  if (result.outcome == SweepOutcome::interrupted)
    line += "; interrupted after a whole batch, the next sweep goes on";
  return line;
}

std::string counts_table(const SweepResult& result) {
  std::vector<std::vector<std::string>> rows;
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) {
      rows.push_back({rule.rule, table.table, grouped(table.found_count), grouped(table.settled_count),
                      grouped(table.refunded_credits), grouped(table.kept_count), grouped(table.missed_count),
                      grouped(table.exhausted_count), grouped(table.isolated_count),
                      table.oldest_age_ms ? duration_text(milliseconds(*table.oldest_age_ms)) : "-"});
    }
  }
  return terminal_table({"rule", "table", "stuck", result.dry_run ? "would settle" : "settled",
                         "credits back", "kept", "missed", "exhausted", "isolated", "oldest"},
                        rows);
}

void append_more(std::string& out, std::int64_t total, std::size_t shown) {
  if (total > static_cast<std::int64_t>(shown))
    out += "  ... and " + grouped(total - static_cast<std::int64_t>(shown)) + " more\n";
}

void append_rows(std::string& out, const char* verb, const std::vector<SettledRow>& rows,
                 std::int64_t total) {
  const std::size_t shown = std::min(rows.size(), rows_shown_max);
  for (std::size_t i = 0; i < shown; ++i) {
    out += "  " + std::string{verb} + " " + single_line(rows[i].key) + ": " + single_line(rows[i].reason);
    if (rows[i].refunded_credits > 0) out += "; " + grouped(rows[i].refunded_credits) + " credits back";
    out += "\n";
  }
  append_more(out, total, shown);
}

std::string dry_run_details(const SweepResult& result) {
  std::string out;
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) {
      if (table.found_count == 0) continue;
      out += "\n" + table.table + " (rule " + rule.rule + ")\n";
      append_rows(out, "settle", table.settled, table.settled_count);
      append_rows(out, "keep", table.kept, table.kept_count);
    }
  }
  return out;
}

std::string trouble_details(const SweepResult& result) {
  std::string out;
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) {
      for (const Problem& problem : table.problems) {
        out += "\nrule " + rule.rule + " was not applied to " + table.table + "\n  " + problem.where + ": " +
               problem.what + "\n  mend: " + problem.mend + "\n";
      }
      if (!table.error.empty())
        out += "\nthe pass over " + table.table + " ended early: " + single_line(table.error) + "\n";
      if (table.isolated_count > 0) out += "\nnot settled in " + table.table + " (the others were):\n";
      const std::size_t shown = std::min(table.isolated.size(), rows_shown_max);
      for (std::size_t i = 0; i < shown; ++i)
        out +=
            "  " + single_line(table.isolated[i].key) + ": " + single_line(table.isolated[i].reason) + "\n";
      append_more(out, table.isolated_count, shown);
      if (table.exhausted_count > 0) {
        out += "\nrescues used up in " + table.table + ", a person must look: ";
        for (std::size_t i = 0; i < std::min(table.exhausted.size(), rows_shown_max); ++i)
          out += (i > 0 ? ", " : "") + single_line(table.exhausted[i]);
        out += table.exhausted_count > static_cast<std::int64_t>(rows_shown_max) ? ", ...\n" : "\n";
      }
    }
  }
  return out;
}

Json rows_json(const std::vector<SettledRow>& rows) {
  Json list = Json::array();
  for (const SettledRow& row : rows) {
    list.push_back({{"id", row.key},
                    {"status", row.old_status},
                    {"aged_since", row.aged_since},
                    {"reason", row.reason},
                    {"refunded_credits", row.refunded_credits}});
  }
  return list;
}

Json table_json(const TableResult& table) {
  Json isolated = Json::array();
  for (const IsolatedRow& row : table.isolated)
    isolated.push_back({{"id", row.key}, {"sqlstate", row.sqlstate}, {"reason", row.reason}});
  Json problems = Json::array();
  for (const Problem& problem : table.problems)
    problems.push_back({{"where", problem.where}, {"what", problem.what}, {"mend", problem.mend}});
  return {{"table", table.table},
          {"found_count", table.found_count},
          {"settled_count", table.settled_count},
          {"refunded_count", table.refunded_count},
          {"refunded_credits", table.refunded_credits},
          {"completed_count", table.completed_count},
          {"asked_count", table.asked_count},
          {"unanswered_count", table.unanswered_count},
          {"kept_count", table.kept_count},
          {"missed_count", table.missed_count},
          {"exhausted_count", table.exhausted_count},
          {"isolated_count", table.isolated_count},
          {"oldest_age_ms", table.oldest_age_ms ? Json(*table.oldest_age_ms) : Json()},
          {"longest_batch_ms", table.longest_batch_ms},
          {"settled", rows_json(table.settled)},
          {"kept", rows_json(table.kept)},
          {"isolated", isolated},
          {"exhausted", table.exhausted},
          {"problems", problems},
          {"error", table.error.empty() ? Json() : Json(table.error)}};
}

}  // namespace

std::string sweep_text(const SweepResult& result) {
  const bool eventful =
      result.total(&TableResult::found_count) > 0 || result.total(&TableResult::exhausted_count) > 0;
  std::string out = summary_line(result) + "\n";
  if (eventful) out += "\n" + counts_table(result);
  if (result.dry_run) out += dry_run_details(result);
  return out + trouble_details(result);
}

std::string sweep_json(const SweepResult& result) {
  Json rules = Json::array();
  for (const RuleResult& rule : result.rules) {
    Json tables = Json::array();
    for (const TableResult& table : rule.tables) tables.push_back(table_json(table));
    rules.push_back({{"rule", rule.rule}, {"tables", tables}});
  }
  const Json document{
      {"dry_run", result.dry_run},
      {"outcome", outcome_name(result.outcome)},
      {"switched_off_by", result.switched_off_by.empty() ? Json() : Json(result.switched_off_by)},
      {"started_at", result.started_at},
      {"duration_ms", result.duration_ms},
      {"server_changed", result.server_changed},
      {"found_count", result.total(&TableResult::found_count)},
      {"settled_count", result.total(&TableResult::settled_count)},
      {"refunded_count", result.total(&TableResult::refunded_count)},
      {"refunded_credits", result.total(&TableResult::refunded_credits)},
      {"isolated_count", result.total(&TableResult::isolated_count)},
      {"rules", rules}};
  return json_document(document);
}

ExitCode sweep_exit_code(const SweepResult& result) {
  if (result.outcome == SweepOutcome::interrupted) return static_cast<ExitCode>(128 + stop_signal());
  if (result.database_lost()) return ExitCode::database_unreachable;
  if (result.misconfigured) return ExitCode::configuration;
  if (result.outcome == SweepOutcome::failed) return ExitCode::failure;
  if (result.outcome == SweepOutcome::partial) return ExitCode::partial;
  return ExitCode::done;
}

}  // namespace jobwatchdog
