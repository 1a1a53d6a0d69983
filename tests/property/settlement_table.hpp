/// The whole settle decision once more, as a table that is read from above: the first row that fits is the
/// answer. Written from the documents, without a look at the code.
///
/// Source: design.md section 4; invariants.md section 4 (money policy).
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "tests/property/settlement_cases.hpp"

namespace jobwatchdog::test {

inline bool is_watched(const SettlementCase& c) {
  return std::count(c.rule.stuck_in.begin(), c.rule.stuck_in.end(), c.job.status) > 0;
}
inline std::optional<Duration> age_of(const SettlementCase& c) {
  return c.job.aged_since ? std::optional{c.now - *c.job.aged_since} : std::nullopt;
}
inline bool rescues_are_used_up(const SettlementCase& c) {
  return c.rule.rescues_max != 0 && c.job.rescue_count >= c.rule.rescues_max;
}
enum class Age { unknown, young, suspect, overdue };
enum class Word { not_needed, not_asked, success, failure, none };

struct Situation {
  bool is_watched;
  Age age;
  bool has_rescues;
  Word word;
};

inline Situation situation_of(const SettlementCase& c) {
  Situation situation{is_watched(c), Age::unknown, !rescues_are_used_up(c), Word::not_needed};
  if (const auto age = age_of(c)) {
    situation.age = Age::suspect;
    if (c.rule.provider && age->ms >= c.rule.provider->hard_deadline.ms) situation.age = Age::overdue;
    if (age->ms <= c.rule.older_than.ms) situation.age = Age::young;
  }
  if (!c.rule.provider || !c.job.task_id) return situation;
  situation.word = Word::not_asked;
  if (!c.verdict) return situation;
  situation.word = Word::none;
  if (c.verdict->kind == Verdict::Kind::succeeded) situation.word = Word::success;
  if (c.verdict->kind == Verdict::Kind::failed) situation.word = Word::failure;
  return situation;
}

/// Nothing in a column means: whatever it is.
struct TableRow {
  std::optional<bool> is_watched;
  std::optional<Age> age;
  std::optional<bool> has_rescues;
  std::optional<Word> word;
  Settlement::Kind kind;
  bool pays;
  bool cancels;
};

inline const std::vector<TableRow>& decision_table() {
  constexpr std::nullopt_t any = std::nullopt;
  static const std::vector<TableRow> table{
      {false, any, any, any, Settlement::Kind::keep, false, false},
      {any, Age::unknown, any, any, Settlement::Kind::keep, false, false},
      {any, Age::young, any, any, Settlement::Kind::keep, false, false},
      {any, any, false, any, Settlement::Kind::report_exhausted, false, false},
      {any, any, any, Word::not_needed, Settlement::Kind::settle_by_rule, true, false},
      {any, any, any, Word::not_asked, Settlement::Kind::ask_provider, false, false},
      {any, any, any, Word::success, Settlement::Kind::settle_as_succeeded, false, false},
      {any, any, any, Word::failure, Settlement::Kind::settle_as_failed, true, false},
      {any, Age::overdue, any, Word::none, Settlement::Kind::settle_by_rule, true, true},
      {any, any, any, any, Settlement::Kind::keep, false, false}};
  return table;
}

inline std::size_t fitting_row(const SettlementCase& c) {
  const Situation s = situation_of(c);
  const auto fits = [](const auto& wanted, const auto& is) { return !wanted || *wanted == is; };
  const auto row = std::find_if(decision_table().begin(), decision_table().end(), [&](const TableRow& r) {
    return fits(r.is_watched, s.is_watched) && fits(r.age, s.age) && fits(r.has_rescues, s.has_rescues) &&
           fits(r.word, s.word);
  });
  return static_cast<std::size_t>(row - decision_table().begin());
}

inline Settlement by_table(const SettlementCase& c) {
  const TableRow& row = decision_table()[fitting_row(c)];
  const bool is_owed = c.rule.refund && c.job.refund_amount >= 1 && c.job.charged && !c.job.refunded;
  return {row.kind, "by the table", row.pays && is_owed, row.cancels};
}

/// All combinations of what the decision looks at, with the ages around both limits.
inline void for_every_combination(const std::function<void(const SettlementCase&)>& visit) {
  constexpr std::array<std::int64_t, 9> ages_ms{-1,      0,       599'999, 600'000,  600'001,
                                                719'999, 720'000, 720'001, 9'999'999};
  for (int bits = 0; bits < 256; ++bits) {
    const auto bit = [bits](int place) { return (bits >> place & 1) != 0; };
    SettlementCase c{{}, {}, std::nullopt, {1'000'000'000}};
    c.rule.stuck_in = {"running"};
    c.rule.age_of = {"created_at"};
    c.rule.older_than = minutes(10);
    c.rule.rescues_max = bit(0) ? 3 : 0;
    if (bit(1)) c.rule.refund = Refund{};
    if (bit(2)) c.rule.provider = ProviderLink{};
    c.job.status = bit(3) ? "running" : "completed";
    if (bit(4)) c.job.task_id = "t1";
    c.job.charged = bit(5);
    c.job.refunded = bit(6);
    c.job.refund_amount = bit(7) ? 60 : 0;
    for (c.job.rescue_count = 2; c.job.rescue_count <= 4; ++c.job.rescue_count) {
      for (int word = 0; word < 7; ++word) {
        c.verdict =
            word < 6 ? std::optional{Verdict{static_cast<Verdict::Kind>(word), {}, "", ""}} : std::nullopt;
        c.job.aged_since.reset();
        visit(c);
        for (const std::int64_t age_ms : ages_ms) {
          c.job.aged_since = Instant{c.now.ms - age_ms};
          visit(c);
        }
      }
    }
  }
}

}  // namespace jobwatchdog::test
