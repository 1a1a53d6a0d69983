/// What a sweep did, as values: the report, the JSON, the metrics and the history are made from these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "core/settlement.hpp"

namespace jobwatchdog {

/// A row that could not be settled, and why. It stopped nobody else.
struct IsolatedRow {
  std::string key;
  std::string sqlstate;  ///< "" when no statement failed: a refusal.
  std::string reason;
};

/// A row that was settled, or would be.
struct SettledRow {
  std::string key;
  std::string old_status;
  std::string aged_since;
  std::string reason;
  std::int64_t refunded_credits{0};
};

/// One table of one rule. Lists are cut at `rows_kept_max`; the counts are whole.
struct TableResult {
  static constexpr std::size_t rows_kept_max = 1'000;

  std::string table;
  std::int64_t found_count{0};
  std::int64_t settled_count{0};
  std::int64_t refunded_count{0};
  std::int64_t refunded_credits{0};
  std::int64_t completed_count{0};   ///< Of those settled: the provider had finished their task.
  std::int64_t asked_count{0};       ///< Tasks that the provider was asked about.
  std::int64_t unanswered_count{0};  ///< Of those asked about: it gave no usable answer.
  std::int64_t kept_count{0};  ///< Suspects that the decision left alone (a provider's task with time left).
  std::int64_t missed_count{0};  ///< Left stuck, because somebody else held them to the end.
  std::int64_t exhausted_count{0};
  std::int64_t isolated_count{0};
  std::optional<std::int64_t> oldest_age_ms;
  std::int64_t longest_batch_ms{
      0};  ///< The longest time that rows were locked: a batch, from BEGIN to COMMIT.
  std::vector<SettledRow> settled;  ///< In a dry run: what would be settled.
  std::vector<SettledRow> kept;     ///< In a dry run only.
  std::vector<IsolatedRow> isolated;
  std::vector<std::string> exhausted;
  std::vector<Problem> problems;  ///< Why the rule was not applied to this table at all.
  std::string error;              ///< Why the pass over this table ended early; "" when it did not.
  bool database_lost{false};      ///< It ended because the database went away and did not come back.
};

struct RuleResult {
  std::string rule;
  std::vector<TableResult> tables;
};

enum class SweepOutcome {
  done,
  partial,      ///< Some rows were isolated, or a table failed.
  failed,       ///< Nothing could be done.
  time_is_up,   ///< --max-duration passed; the rest is for the next sweep.
  interrupted,  ///< A signal asked to stop.
};

struct SweepResult {
  bool dry_run{false};
  std::string
      switched_off_by;     ///< The flag and its source that keep sweeps from settling; "" when none does.
  std::string started_at;  ///< By the database's clock.
  std::int64_t duration_ms{0};
  std::vector<RuleResult> rules;
  SweepOutcome outcome{SweepOutcome::done};
  bool server_changed{false};  ///< Restarted or replaced on the way: earlier commits may be lost.
  bool misconfigured{false};   ///< A rule was skipped because it does not fit its table.

  [[nodiscard]] bool database_lost() const {
    for (const RuleResult& rule : rules) {
      for (const TableResult& table : rule.tables) {
        if (table.database_lost) return true;
      }
    }
    return false;
  }

  /// The sum of one count over all tables.
  [[nodiscard]] std::int64_t total(std::int64_t TableResult::*count) const {
    std::int64_t sum = 0;
    for (const RuleResult& rule : rules) {
      for (const TableResult& table : rule.tables) sum += table.*count;
    }
    return sum;
  }
};

}  // namespace jobwatchdog
