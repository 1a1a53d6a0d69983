/// The stage on which a case is played: the real table, its model, and all that the actors share.
#pragma once

#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

#include "core/rule_compiler.hpp"
#include "native/settle_batch.hpp"
#include "tests/property/real_table.hpp"

namespace jobwatchdog::test {

inline constexpr int sweep_count = 3;
inline constexpr int holder = sweep_count;  ///< The actor of a worker's open transaction.
inline constexpr int nobody = -1;
inline constexpr Micros pass_gap = 30'000'000;  ///< Between the moments of two sweeps.

struct Step {
  enum class Kind {
    sweep,
    kill_sweep,
    set_status,
    set_age,
    set_task,
    set_charged,
    remove,
    insert,
    cancel,
    hold,
    end_hold
  };

  Kind kind{Kind::sweep};
  int sweep{0};         ///< Which sweep, or how a hold ends.
  std::size_t pick{0};  ///< Which row.
  Row other;            ///< Where a worker's new values come from.
  bool insists{false};  ///< Tries what the model foretells to wait.
  bool takes{false};    ///< A sweep that begins a page takes it at once, and does not find it first.
};

struct SweepCase {
  TableSetup setup;
  std::vector<Row> rows;
  std::vector<Step> steps;
  std::size_t page_size{5};
  bool last_sweep_takes{false};  ///< Its first page; the others by turns.
};

class Stage {
 public:
  explicit Stage(RealTable& table) : table_(table) {}

  /// Sets the stage for a case. Without facts, only what happens to rows and money counts, not what the
  /// statements tell of them.
  void set(const SweepCase& c, const CompiledRule& compiled, bool compares_facts) {
    case_ = &c;
    rule_ = rule_of(c.setup);
    compiled_ = compiled;
    compares_facts_ = compares_facts;
    model = TableModel{c.setup.meaning, c.setup.key_type};
    model.accounts = starting_accounts();
    inserted_count_ = 0;
    for (const Row& row : c.rows) add_row(row);
    paid_keys_.clear();
    trace_.clear();
    table_.make(c.setup, model, "2020-01-01 00:00:00+00");
  }

  TableModel model{{}, KeyType::bigint};
  std::map<std::string, int> happened;  ///< How often something happened that the cases are there for.

  [[nodiscard]] RealTable& table() const { return table_; }
  [[nodiscard]] const SweepCase& the_case() const { return *case_; }
  [[nodiscard]] const Names& names() const { return case_->setup.names(); }
  [[nodiscard]] const Rule& rule() const { return rule_; }
  [[nodiscard]] const CompiledRule& compiled() const { return compiled_; }
  [[nodiscard]] bool compares_facts() const { return compares_facts_; }

  /// A row with the next key, in the model only.
  Row add_row(Row row) {
    row.key = key_of(case_->setup.key_type, inserted_count_++);
    model.rows[row.key] = row;
    return row;
  }

  void expect_first_payment(const std::string& key) {
    demand(paid_keys_.insert(key).second, "the row " + key + " was paid for twice");
  }

  // What happened so far is told with a failure.

  void note(const std::string& what) { trace_.push_back(what); }

  void demand(bool condition, const std::string& what) const {
    if (condition) return;
    std::string text = what + "\nWhat happened:";
    for (const std::string& line : trace_) text += "\n  " + line;
    RC_FAIL(text);
  }
  template <typename Value>
  Value demand_answer(DatabaseResult<Value> result, const std::string& what) const {
    demand(result.ok(), what + (result.ok() ? "" : ": " + error_text(result.error())));
    return std::move(result.value());
  }
  void demand_commit(Transaction& transaction, const std::string& what) const {
    const auto error = transaction.commit();
    demand(!error, what + " commit" + (error ? ": " + error_text(*error) : ""));
  }
  template <typename Value>
  void demand_wait(const DatabaseResult<Value>& result, const std::string& what) const {
    demand(!result.ok() && result.error().kind == DatabaseError::Kind::retryable, what + " did not wait");
  }

  /// Whether locking these rows was refused because an amount is no number; no other error is due, and none
  /// where all amounts are sound. One that is `reached` must be refused; one that is only `read` on the way
  /// may be, as the plan has it.
  [[nodiscard]] bool is_refused(const DatabaseResult<Rows>& answer, const std::vector<Row>& reached,
                                const std::vector<Row>& read, const std::string& what) const {
    const auto holds_senseless = [this](const std::vector<Row>& rows) {
      return std::any_of(rows.begin(), rows.end(),
                         [this](const Row& row) { return model.is_senseless(row); });
    };
    if (answer.ok()) {
      demand(!holds_senseless(reached), what + " gave an amount that is no number");
      return false;
    }
    demand(holds_senseless(read) && error_text(answer.error()).find("NaN") != std::string::npos,
           what + ": " + error_text(answer.error()));
    return true;
  }

  /// What is stuck, told whole, whoever holds it.
  void expect_rest(Micros now, const std::string& now_text) {
    const Rows told = table_.query(compiled_.rest, {now_text});
    const Rest foretold = model.rest(now);
    const auto count = [&told](const char* column) { return told.integer(0, column); };
    demand(told.size() == 1 && count("settleable") == foretold.settleable &&
               count("waiting") == foretold.waiting,
           "rest tells of " + told.text(0, "settleable") + " settleable and " + told.text(0, "waiting") +
               " waiting rows, not of " + std::to_string(foretold.settleable) + " and " +
               std::to_string(foretold.waiting));
    const Text oldest = foretold.oldest ? Text{std::to_string(instant(*foretold.oldest).ms)} : std::nullopt;
    demand(told.at(0, "aged_since_ms") == oldest, "rest tells of another oldest row");
    happened["a row that waits for the provider"] += static_cast<int>(foretold.waiting);
  }

  /// The facts that a statement gives of these rows are those that the model has.
  void expect_facts(const Rows& real, const std::vector<Row>& foretold, const std::string& what) const {
    std::vector<std::string> real_facts;
    std::vector<std::string> foretold_facts;
    const auto words = [this](const JobFacts& job) { return compares_facts_ ? fact_words(job) : job.key; };
    for (std::size_t i = 0; i < real.size(); ++i) real_facts.push_back(words(jobwatchdog::facts_of(real, i)));
    for (const Row& row : foretold) foretold_facts.push_back(words(facts_of(row)));
    demand(real_facts == foretold_facts, what + " gave\n    " + joined(real_facts, "\n    ") +
                                             "\n  and not\n    " + joined(foretold_facts, "\n    "));
  }

  [[nodiscard]] static Instant instant(Micros time) { return {1'577'836'800'000 + floor_ms(time)}; }

  [[nodiscard]] JobFacts facts_of(const Row& row) const {
    JobFacts job;
    job.key = row.key;
    job.status = row.status;
    job.aged_since = instant(*model.age_of(row));
    if (case_->setup.meaning.hard_deadline) job.task_id = row.task;
    if (case_->setup.meaning.counts_rescues) job.rescue_count = row.rescues.value_or(0);
    if (!case_->setup.meaning.refunds) return job;
    job.charged = row.charged.value_or(false);
    job.refunded = row.refunded.value_or(false);
    job.refund_amount = model.is_senseless(row) ? told_beyond_sense : row.amount.value_or(0);
    return job;
  }

  [[nodiscard]] static std::string fact_words(const JobFacts& job) {
    return joined(
        {job.key, job.status, job.aged_since ? std::to_string(job.aged_since->ms) : "no age",
         job.task_id.value_or("no task"), std::to_string(job.rescue_count), job.charged ? "charged" : "free",
         job.refunded ? "refunded" : "owed", std::to_string(job.refund_amount)},
        " | ");
  }

 private:
  RealTable& table_;
  const SweepCase* case_{nullptr};
  Rule rule_;
  CompiledRule compiled_;
  bool compares_facts_{true};
  int inserted_count_{0};
  std::set<std::string> paid_keys_;
  std::vector<std::string> trace_;
};

/// rapidcheck prints a counterexample with this.
inline void showValue(const SweepCase& c, std::ostream& out) {
  const CompiledRule compiled = compile_rule(rule_of(c.setup), c.setup.names().table);
  out << compiled.take << "\n" << compiled.find << "\npages of " << c.page_size << ", rows:";
  for (const Row& row : c.rows) out << "\n  " << words_of(row);
}

}  // namespace jobwatchdog::test
