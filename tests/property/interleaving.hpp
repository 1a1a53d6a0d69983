/// Several sweeps side by side on one real table, step by step in a random order, with workers in between:
/// after each step the database has given what the model foretold.
///
/// One thread drives all connections, so no step may wait for another actor. A step that the model foretells
/// to wait is left out, or tried with a short lock_timeout and must then fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/property/played_sweep.hpp"
#include "tests/property/played_workers.hpp"

namespace jobwatchdog::test {

class Interleaving {
 public:
  Interleaving(const Database& database, RealTable& table) : stage_(table), workers_(stage_, database) {
    for (int i = 0; i < sweep_count; ++i)
      sweeps_.push_back(std::make_unique<PlayedSweep>(stage_, database, i));
  }

  /// Plays a case with its compiled rule; a difference between the database and the model is a failure.
  void play(const SweepCase& c, const CompiledRule& compiled, bool compares_facts) {
    end_everything();
    stage_.set(c, compiled, compares_facts);
    for (const Step& step : c.steps) {
      PlayedSweep& sweep = *sweeps_[static_cast<std::size_t>(step.sweep)];
      if (step.kind == Step::Kind::sweep) {
        sweep.advance(step.insists, step.takes);
      } else if (step.kind == Step::Kind::kill_sweep) {
        sweep.kill();
      } else {
        workers_.play(step);
      }
    }
    end_everything();
    expect_same_table();
    sweep_alone();
  }

  /// How often something happened in all cases so far.
  [[nodiscard]] int happened(const std::string& what) { return stage_.happened[what]; }

 private:
  void end_everything() {
    for (const auto& sweep : sweeps_) sweep->kill();
    workers_.end_hold(false);
  }

  /// One sweep with nobody beside it sees every suspect exactly once, save that it takes none that waits for
  /// the provider, and leaves only what waits or was refused.
  void sweep_alone() {
    stage_.note("the last sweep, alone");
    PlayedSweep& sweep = *sweeps_[0];
    std::multiset<std::string> expected;
    std::set<std::string> waiting;
    for (const Row& row : stage_.model.find(0, std::nullopt, 1'000'000)) {
      if (stage_.model.is_before_deadline(row, 0)) waiting.insert(row.key);
      if (!waiting.contains(row.key)) expected.insert(row.key);
    }
    bool takes = stage_.the_case().last_sweep_takes;
    do {
      sweep.advance(false, takes);
      takes = !takes;
    } while (!sweep.is_idle());
    std::multiset<std::string> seen = sweep.seen();
    for (const std::string& key : waiting) {
      if (seen.contains(key)) seen.erase(seen.find(key));
    }
    stage_.demand(seen == expected, "the last sweep saw " + joined({seen.begin(), seen.end()}) + " and not " +
                                        joined({expected.begin(), expected.end()}));
    expect_exhausted(sweep.now_text());
    stage_.expect_rest(0, sweep.now_text());
    expect_same_table();
    for (const Row& row : stage_.model.find(0, std::nullopt, 1'000'000)) {
      const bool is_left = !stage_.model.is_settled(row, 0) || stage_.model.is_before_deadline(row, 0) ||
                           stage_.model.is_senseless(row) ||
                           (stage_.model.is_due(row) && stage_.model.answer_for(row) != Answer::paid);
      stage_.demand(is_left, "the row " + row.key + " was not settled by a sweep that was alone");
    }
  }

  /// Used-up rescues are told, all of them counted.
  void expect_exhausted(const std::string& now_text) {
    if (stage_.compiled().exhausted.empty()) return;
    std::multiset<std::string> expected;
    for (const auto& [key, row] : stage_.model.rows) {
      if (stage_.model.is_old_and_watched(row, 0) && stage_.model.is_exhausted(row)) expected.insert(key);
    }
    const Rows told = stage_.table().query(stage_.compiled().exhausted, {now_text});
    std::multiset<std::string> keys;
    for (std::size_t i = 0; i < told.size(); ++i) keys.insert(told.text(i, "key"));
    stage_.demand(keys == expected, "other rows are told to be exhausted");
    stage_.demand(told.size() == 0 || told.text(0, "total") == std::to_string(expected.size()),
                  "the exhausted are miscounted");
  }

  void expect_same_table() {
    constexpr Micros year = 365LL * 86'400'000'000;
    const auto rows = stage_.table().rows(year, 100 * year);
    for (const auto& [key, row] : stage_.model.rows) {
      const auto found = rows.find(key);
      stage_.demand(found != rows.end(), "the row " + key + " is gone");
      stage_.demand(found->second == row,
                    "the row is\n    " + words_of(found->second) + "\n  and not\n    " + words_of(row));
    }
    stage_.demand(rows.size() == stage_.model.rows.size(), "there are other rows");
    std::sort(stage_.model.payments.begin(), stage_.model.payments.end());
    const std::vector<Payment> payments = stage_.table().payments();
    const std::map<std::string, Account> accounts = stage_.table().accounts();
    stage_.demand(payments == stage_.model.payments, "other payments were made");
    stage_.demand(accounts == stage_.model.accounts, "the balances are others");
    std::int64_t paid = 0;
    for (const Payment& payment : payments) paid += payment.amount;
    stage_.demand(money_in(accounts) == money_in(starting_accounts()) + paid, "money came or went");
  }

  static std::int64_t money_in(const std::map<std::string, Account>& accounts) {
    std::int64_t sum = 0;
    for (const auto& [who, account] : accounts) sum += account.balance;
    return sum;
  }

  Stage stage_;
  PlayedWorkers workers_;
  std::vector<std::unique_ptr<PlayedSweep>> sweeps_;
};

}  // namespace jobwatchdog::test
