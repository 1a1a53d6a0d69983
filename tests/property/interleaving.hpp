/// Several sweeps side by side on one real table, step by step in a random order, with workers in between:
/// after each step the database has given what the model foretold.
///
/// One thread drives all connections, so no step may wait for another actor. A step that the model foretells
/// to wait is left out, or tried with a short lock_timeout and must then fail.
#pragma once

#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <vector>

#include "core/rule_compiler.hpp"
#include "native/refund_result.hpp"
#include "native/settle_batch.hpp"
#include "tests/property/real_table.hpp"

namespace jobwatchdog::test {

inline constexpr int sweep_count = 3;
inline constexpr int holder = sweep_count;      ///< The actor of a worker's open transaction.
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
};

struct SweepCase {
  TableSetup setup;
  std::vector<Row> rows;
  std::vector<Step> steps;
  std::size_t page_size{5};
};

/// What the sweeps of a case left behind, and how.
class Interleaving {
 public:
  Interleaving(const Database& database, RealTable& table) : table_(table), worker_(connected(database)) {
    for (int i = 0; i <= sweep_count; ++i) connections_.push_back(connected(database));
  }

  /// Plays a case with its compiled rule; a difference between the database and the model is a failure.
  /// Without facts, only what happened to rows and money counts, not what the statements told of them.
  void play(const SweepCase& c, const CompiledRule& compiled, bool compares_facts = true) {
    end_everything();
    compares_facts_ = compares_facts;
    rule_ = rule_of(c.setup);
    compiled_ = compiled;
    case_ = &c;
    model_ = TableModel{c.setup.meaning, c.setup.key_type};
    model_.accounts = starting_accounts();
    inserted_count_ = 0;
    for (const Row& row : c.rows) insert_into_model(row);
    paid_keys_.clear();
    trace_.clear();
    table_.make(c.setup, model_, "2020-01-01 00:00:00+00");
    for (const Step& step : c.steps) play_step(step);
    end_everything();
    expect_same_table();
    sweep_alone();
  }

  /// How often something happened that the cases are there for.
  std::map<std::string, int> happened;

  void end_everything() {
    for (Sweep& sweep : sweeps_) sweep = Sweep{};
    hold_.reset();
    model_.open.clear();
  }

 private:
  enum class Phase { idle, find, lock, settle, refund, commit };

  struct Sweep {
    Phase phase{Phase::idle};
    Micros now{0};
    std::optional<Transaction> transaction;
    Text last_aged, last_key;          ///< Where the next page begins, as the database wrote it.
    std::optional<Position> position;  ///< The same for the model.
    bool is_last_page{false};
    std::vector<std::string> keys;  ///< Of the page, to settle.
    std::string aged_min, aged_max;
    Micros age_min{}, age_max{};
    std::vector<std::string> settled_keys, due_keys;
    std::vector<Row> due_rows;  ///< Of the model.
    std::multiset<std::string> seen;
  };

  [[noreturn]] void fail(const std::string& what) const {
    std::string text = what + "\nWhat happened:";
    for (const std::string& line : trace_) text += "\n  " + line;
    RC_FAIL(text);
    std::abort();
  }
  void demand(bool condition, const std::string& what) const {
    if (!condition) fail(what);
  }
  template <typename Value>
  Value demand_answer(DatabaseResult<Value> result, const std::string& what) const {
    if (!result.ok()) fail(what + ": " + error_text(result.error()));
    return std::move(result.value());
  }
  void note(const std::string& what) { trace_.push_back(what); }

  // The sweeps.

  static std::string now_text(const Sweep& sweep) {
    const auto seconds_past = sweep.now / 1'000'000;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "2020-01-01 00:%02d:%02d+00",
                  static_cast<int>(seconds_past / 60 % 60), static_cast<int>(seconds_past % 60));
    return text.data();
  }
  [[nodiscard]] Instant instant(Micros time) const { return {1'577'836'800'000 + floor_ms(time)}; }

  void advance(int actor, bool insists) {
    Sweep& sweep = sweeps_[static_cast<std::size_t>(actor)];
    switch (sweep.phase) {
      case Phase::idle:
        sweep = Sweep{};
        sweep.now = actor * pass_gap;
        find(actor, sweep);
        return;
      case Phase::find: find(actor, sweep); return;
      case Phase::lock: lock(actor, sweep); return;
      case Phase::settle: settle(actor, sweep); return;
      case Phase::refund: refund(actor, sweep, insists); return;
      case Phase::commit: commit(actor, sweep); return;
    }
  }

  void next_page(Sweep& sweep) {
    sweep.transaction.reset();
    sweep.phase = sweep.is_last_page ? Phase::idle : Phase::find;
  }

  void expect_facts(const Rows& real, const std::vector<Row>& foretold, const std::string& what) const {
    std::vector<std::string> real_facts;
    std::vector<std::string> foretold_facts;
    const auto words = [this](const JobFacts& job) { return compares_facts_ ? fact_words(job) : job.key; };
    for (std::size_t i = 0; i < real.size(); ++i) real_facts.push_back(words(facts_of(real, i)));
    for (const Row& row : foretold) foretold_facts.push_back(words(facts_of(row)));
    demand(real_facts == foretold_facts, what + " gave\n    " + joined(real_facts, "\n    ") +
                                             "\n  and not\n    " + joined(foretold_facts, "\n    "));
  }

  void find(int actor, Sweep& sweep) {
    const std::string what = name_of(actor) + " find";
    note(what + " at " + now_text(sweep) + " behind " + sweep.last_aged.value_or("the beginning") + " " +
         sweep.last_key.value_or(""));
    const auto size = case_->page_size;
    const Rows page = demand_answer(
        connections_[static_cast<std::size_t>(actor)].query(
            compiled_.find, {now_text(sweep), sweep.last_aged, sweep.last_key, std::to_string(size)},
            {.read_only = true, .by_index_order = true, .statement_timeout = seconds(60)}),
        what);
    const std::vector<Row> foretold = model_.find(sweep.now, sweep.position, size);
    expect_facts(page, foretold, what);
    sweep.is_last_page = page.size() < size;
    if (page.size() == 0) return next_page(sweep);
    sweep.last_aged = page.at(page.size() - 1, "aged_since");
    sweep.last_key = page.at(page.size() - 1, "key");
    sweep.position = Position{*model_.age_of(foretold.back()), foretold.back().key};
    sweep.keys.clear();
    for (std::size_t i = 0; i < page.size(); ++i) {
      sweep.seen.insert(page.text(i, "key"));
      if (!decides_to_settle(sweep, page, i, foretold[i])) continue;
      if (sweep.keys.empty()) {
        sweep.aged_min = page.text(i, "aged_since");
        sweep.age_min = *model_.age_of(foretold[i]);
      }
      sweep.aged_max = page.text(i, "aged_since");
      sweep.age_max = *model_.age_of(foretold[i]);
      sweep.keys.push_back(page.text(i, "key"));
    }
    sweep.phase = Phase::lock;
    if (sweep.keys.empty()) next_page(sweep);
  }

  /// As core decides over the row of the database, which is as the model foretells for its own.
  bool decides_to_settle(const Sweep& sweep, const Rows& real, std::size_t i, const Row& row) const {
    const JobFacts job = facts_of(real, i);
    const Settlement settlement = decide_settlement(rule_, job, verdict_for(rule_, job), instant(sweep.now));
    const bool settles = settlement.kind == Settlement::Kind::settle_by_rule;
    demand(settles == model_.is_settled(row, sweep.now),
           "the decision over " + fact_words(job) + " is " + settlement.reason);
    return settles;
  }

  void lock(int actor, Sweep& sweep) {
    const std::string what = name_of(actor) + " lock";
    note(what + " " + joined(sweep.keys));
    sweep.transaction.emplace(
        demand_answer(connections_[static_cast<std::size_t>(actor)].begin(
                          {.statement_timeout = seconds(60), .idle_timeout = Duration{0}}),
                      what));
    const Rows locked = demand_answer(
        sweep.transaction->query(
            compiled_.lock, {now_text(sweep), array_literal(sweep.keys), sweep.aged_min, sweep.aged_max}),
        what);
    const std::vector<Row> foretold = model_.lock(actor, sweep.now, sweep.keys, sweep.age_min, sweep.age_max);
    expect_facts(locked, foretold, what);
    happened["a row that is left to others"] += static_cast<int>(sweep.keys.size() - foretold.size());
    Pending& pending = model_.open[actor];
    sweep.settled_keys.clear();
    sweep.due_keys.clear();
    sweep.due_rows.clear();
    for (std::size_t i = 0; i < locked.size(); ++i) {
      const Row& row = foretold[i];
      pending.locked.insert(row.key);
      if (!decides_to_settle(sweep, locked, i, row)) continue;
      sweep.settled_keys.push_back(row.key);
      pending.written[row.key] = model_.settled(row);
      const bool pays = refund_is_due(rule_, facts_of(locked, i));
      if (pays) sweep.due_keys.push_back(row.key);
      if (model_.is_due(row)) sweep.due_rows.push_back(row);
    }
    sweep.phase = Phase::settle;
    if (!sweep.settled_keys.empty()) return;
    model_.roll_back(actor);
    next_page(sweep);
  }

  void settle(int actor, Sweep& sweep) {
    const std::string what = name_of(actor) + " settle";
    note(what + " " + joined(sweep.settled_keys));
    const Rows stored =
        demand_answer(sweep.transaction->query(compiled_.settle, {array_literal(sweep.settled_keys)}), what);
    std::map<std::string, std::string> status_of;
    for (std::size_t i = 0; i < stored.size(); ++i)
      status_of[stored.text(i, "key")] = stored.text(i, "status");
    std::map<std::string, std::string> foretold;
    for (const auto& [key, row] : model_.open[actor].written) foretold[key] = row.status;
    demand(stored.size() == foretold.size() && status_of == foretold,
           what + " wrote other rows than those it locked");
    sweep.phase = sweep.due_keys.empty() && sweep.due_rows.empty() ? Phase::commit : Phase::refund;
  }

  void refund(int actor, Sweep& sweep, bool insists) {
    const std::string what = name_of(actor) + " refund";
    const bool would_wait = std::any_of(sweep.due_rows.begin(), sweep.due_rows.end(), [&](const Row& row) {
      return model_.answer_for(row) == Answer::paid && model_.is_user_locked(*row.user, actor);
    });
    if (would_wait && !insists) return;
    note(what + " " + joined(sweep.due_keys) + (would_wait ? ", which must wait for a user" : ""));
    if (would_wait) {
      demand_answer(sweep.transaction->query("SELECT set_config('lock_timeout', '10', true)"), what);
      const auto answer = sweep.transaction->query(compiled_.refund, {array_literal(sweep.due_keys)});
      demand(!answer.ok() && answer.error().kind == DatabaseError::Kind::retryable,
             what + " did not wait for the user's account");
      ++happened["a refund that waits"];
      return kill(actor, sweep);
    }
    const Rows answers =
        demand_answer(sweep.transaction->query(compiled_.refund, {array_literal(sweep.due_keys)}), what);
    std::map<std::string, Answer> answer_of;
    for (std::size_t i = 0; i < answers.size(); ++i)
      answer_of[answers.text(i, "key")] =
          refund_refusal(answers.at(i, "result")) ? Answer::refused : Answer::paid;
    for (const std::string& key : sweep.due_keys) answer_of.try_emplace(key, Answer::no_row);
    std::map<std::string, Answer> foretold;
    for (const Row& row : sweep.due_rows) foretold[row.key] = model_.answer_for(row);
    demand(!compares_facts_ || answer_of == foretold, what + " was answered in another way");
    take_answers(actor, sweep, foretold);
  }

  /// One refusal rolls the batch back; the others are tried again without it.
  void take_answers(int actor, Sweep& sweep, const std::map<std::string, Answer>& answers) {
    const bool is_refused = std::any_of(answers.begin(), answers.end(),
                                        [](const auto& answer) { return answer.second != Answer::paid; });
    if (!is_refused) {
      for (const Row& row : sweep.due_rows) {
        model_.open[actor].locked_users.insert(*row.user);
        model_.open[actor].payments.push_back({*row.user, *row.amount});
      }
      sweep.phase = Phase::commit;
      return;
    }
    note(name_of(actor) + " rolls back and goes on without the refused");
    ++happened["a refusal"];
    sweep.transaction.reset();
    model_.roll_back(actor);
    std::vector<std::string> others;
    for (const std::string& key : sweep.keys) {
      const auto answer = answers.find(key);
      if (answer == answers.end() || answer->second == Answer::paid) others.push_back(key);
    }
    sweep.keys = others;
    sweep.phase = Phase::lock;
    if (others.empty()) next_page(sweep);
  }

  void commit(int actor, Sweep& sweep) {
    note(name_of(actor) + " commit");
    ++happened["a commit"];
    if (auto error = sweep.transaction->commit()) fail(name_of(actor) + " commit: " + error_text(*error));
    for (const std::string& key : sweep.due_keys) expect_first_payment(key);
    happened["a refund"] += static_cast<int>(sweep.due_keys.size());
    model_.commit(actor);
    next_page(sweep);
  }

  void kill(int actor, Sweep& sweep) {
    note(name_of(actor) + " ends without a commit");
    sweep = Sweep{};
    model_.roll_back(actor);
  }

  void expect_first_payment(const std::string& key) {
    demand(paid_keys_.insert(key).second, "the row " + key + " was paid for twice");
  }

  // The others.

  void play_step(const Step& step) {
    if (step.kind == Step::Kind::sweep) return advance(step.sweep, step.insists);
    if (step.kind == Step::Kind::kill_sweep)
      return kill(step.sweep, sweeps_[static_cast<std::size_t>(step.sweep)]);
    if (step.kind == Step::Kind::insert) return insert(step.other);
    if (step.kind == Step::Kind::end_hold) return end_hold(step.sweep == 0);
    if (model_.rows.empty()) return;
    auto row = std::next(model_.rows.begin(), static_cast<std::ptrdiff_t>(step.pick % model_.rows.size()));
    if (step.kind == Step::Kind::hold) return begin_hold(row->second, step.other.status);
    if (step.kind == Step::Kind::cancel) return cancel(row->second, step.insists);
    change(row->second, step);
  }

  void change(const Row& before, const Step& step) {
    const Names& n = case_->setup.names();
    const std::string key = before.key;
    Row after = before;
    std::string sql;
    if (step.kind == Step::Kind::set_status) {
      after.status = step.other.status;
      sql = table_.update_sql(key, n.status, quote_literal(after.status));
    } else if (step.kind == Step::Kind::set_age) {
      after.ages[0] = step.other.ages[0];
      sql = table_.update_sql(key, n.ages[0], table_.time_sql(after.ages[0]));
    } else if (step.kind == Step::Kind::set_task) {
      after.task = step.other.task;
      sql = table_.update_sql(key, n.task, RealTable::text_sql(after.task));
    } else if (step.kind == Step::Kind::set_charged) {
      after.charged = step.other.charged;
      sql = table_.update_sql(key, n.charged, RealTable::flag_sql(after.charged));
    } else {
      sql = "DELETE FROM " + table_.table() + table_.where(key);
    }
    if (!works(sql, model_.is_locked(key, -1), step.insists)) return;
    if (step.kind == Step::Kind::remove) {
      model_.rows.erase(key);
    } else {
      model_.rows[key] = after;
    }
  }

  /// A user cancels: another way to settle, which pays by itself and marks the row.
  void cancel(Row before, bool insists) {
    if (!case_->setup.meaning.refunds || !model_.is_due(before) || model_.answer_for(before) != Answer::paid)
      return;
    const Names& n = case_->setup.names();
    const bool would_wait = model_.is_locked(before.key, -1) || model_.is_user_locked(*before.user, -1);
    const std::string update = table_.update_sql(
        before.key, n.status, quote_literal("done") + ", " + quote_identifier(n.refunded) + " = true");
    const std::string sql = "WITH cancelled AS (" + update + " RETURNING " + quote_identifier(n.user) +
                            " AS who, " + quote_identifier(n.amount) +
                            " AS amount) SELECT f.success FROM cancelled, public.\"pay back\"(who, amount, " +
                            quote_literal(hostile_text) + ") AS f";
    if (!works(sql, would_wait, insists)) return;
    expect_first_payment(before.key);
    ++happened["a cancel that pays"];
    model_.pay({*before.user, *before.amount});
    Row after = before;
    after.status = "done";
    after.refunded = true;
    model_.rows[before.key] = after;
  }

  void insert(const Row& row) {
    const Row inserted = insert_into_model(row);
    if (works(table_.insert_sql(inserted), false, false)) return;
    model_.rows.erase(inserted.key);
  }

  Row insert_into_model(Row row) {
    row.key = key_of(case_->setup.key_type, inserted_count_++);
    model_.rows[row.key] = row;
    return row;
  }

  /// A short statement of a worker. Gives whether it was done.
  bool works(const std::string& sql, bool would_wait, bool insists) {
    if (would_wait && !insists) return false;
    note("worker: " + sql + (would_wait ? ", which must wait" : ""));
    const auto result = worker_.query(
        sql, {}, {.statement_timeout = seconds(60), .lock_timeout = milliseconds(would_wait ? 10 : 500)});
    if (!would_wait) demand_answer(result, "the worker");
    if (would_wait)
      demand(!result.ok() && result.error().kind == DatabaseError::Kind::retryable,
             "the worker did not wait");
    if (would_wait) ++happened["a worker that waits"];
    return !would_wait;
  }

  /// A worker that changes a row and does not say yet whether it means it.
  void begin_hold(const Row& before, const std::string& status) {
    if (hold_ || model_.is_locked(before.key, holder)) return;
    const std::string sql = table_.update_sql(before.key, case_->setup.names().status, quote_literal(status));
    note("holder: " + sql);
    hold_.emplace(demand_answer(
        connections_[holder].begin({.statement_timeout = seconds(60), .idle_timeout = Duration{0}}),
        "the holder"));
    demand_answer(hold_->query(sql), "the holder");
    Row after = before;
    after.status = status;
    model_.open[holder] = Pending{{before.key}, {{before.key, after}}, {}, {}};
  }

  void end_hold(bool commits) {
    if (!hold_) return;
    note(commits ? "holder: commit" : "holder: rollback");
    if (commits) {
      if (auto error = hold_->commit()) fail("the holder: " + error_text(*error));
      model_.commit(holder);
    }
    model_.roll_back(holder);
    hold_.reset();
  }

  // The ends.

  /// One sweep with nobody beside it sees every suspect exactly once, and the next one only what was refused.
  void sweep_alone() {
    note("the last sweep, alone");
    const std::vector<Row> suspects = model_.find(0, std::nullopt, 1'000'000);
    std::multiset<std::string> expected;
    for (const Row& row : suspects) expected.insert(row.key);
    Sweep& sweep = sweeps_[0];
    do {
      advance(0, false);
    } while (sweep.phase != Phase::idle);
    demand(sweep.seen == expected, "the last sweep saw " + joined({sweep.seen.begin(), sweep.seen.end()}) +
                                       " and not " + joined({expected.begin(), expected.end()}));
    expect_same_table();
    for (const Row& row : model_.find(0, std::nullopt, 1'000'000)) {
      const bool is_left = !model_.is_settled(row, 0) || model_.is_before_deadline(row, 0) ||
                           (model_.is_due(row) && model_.answer_for(row) != Answer::paid);
      demand(is_left, "the row " + row.key + " was not settled by a sweep that was alone");
    }
  }

  void expect_same_table() {
    constexpr Micros year = 365LL * 86'400'000'000;
    const auto rows = table_.rows(year, 100 * year);
    for (const auto& [key, row] : model_.rows) {
      const auto found = rows.find(key);
      demand(found != rows.end(), "the row " + key + " is gone");
      demand(found->second == row,
             "the row is\n    " + words_of(found->second) + "\n  and not\n    " + words_of(row));
    }
    demand(rows.size() == model_.rows.size(), "there are other rows");
    std::sort(model_.payments.begin(), model_.payments.end());
    const std::vector<Payment> payments = table_.payments();
    const std::map<std::string, Account> accounts = table_.accounts();
    demand(payments == model_.payments, "other payments were made");
    demand(accounts == model_.accounts, "the balances are others");
    std::int64_t paid = 0;
    for (const Payment& payment : payments) paid += payment.amount;
    demand(money_in(accounts) == money_in(starting_accounts()) + paid, "money came or went");
  }

  static std::int64_t money_in(const std::map<std::string, Account>& accounts) {
    std::int64_t sum = 0;
    for (const auto& [who, account] : accounts) sum += account.balance;
    return sum;
  }

  // Words.

  static std::string name_of(int actor) { return "sweep " + std::to_string(actor); }

  [[nodiscard]] JobFacts facts_of(const Row& row) const {
    JobFacts job;
    job.key = row.key;
    job.status = row.status;
    job.aged_since = instant(*model_.age_of(row));
    if (case_->setup.meaning.hard_deadline) job.task_id = row.task;
    if (case_->setup.meaning.counts_rescues) job.rescue_count = row.rescues.value_or(0);
    if (!case_->setup.meaning.refunds) return job;
    job.charged = row.charged.value_or(false);
    job.refunded = row.refunded.value_or(false);
    job.refund_amount = row.amount.value_or(0);
    return job;
  }
  static JobFacts facts_of(const Rows& rows, std::size_t i) { return jobwatchdog::facts_of(rows, i); }

  static std::string fact_words(const JobFacts& job) {
    return joined(
        {job.key, job.status, job.aged_since ? std::to_string(job.aged_since->ms) : "no age",
         job.task_id.value_or("no task"), std::to_string(job.rescue_count), job.charged ? "charged" : "free",
         job.refunded ? "refunded" : "owed", std::to_string(job.refund_amount)},
        " | ");
  }

  RealTable& table_;
  std::vector<Connection> connections_;
  Connection worker_;
  Rule rule_;
  CompiledRule compiled_;
  bool compares_facts_{true};
  const SweepCase* case_{nullptr};
  TableModel model_{{}, KeyType::bigint};
  std::array<Sweep, sweep_count> sweeps_;
  std::optional<Transaction> hold_;
  int inserted_count_{0};
  std::set<std::string> paid_keys_;
  std::vector<std::string> trace_;
};

/// rapidcheck prints a counterexample with this.
inline void showValue(const SweepCase& c, std::ostream& out) {
  out << compile_rule(rule_of(c.setup), c.setup.names().table).find << "\npages of " << c.page_size
      << ", rows:";
  for (const Row& row : c.rows) out << "\n  " << words_of(row);
}

}  // namespace jobwatchdog::test
