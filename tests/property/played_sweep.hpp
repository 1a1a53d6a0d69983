/// One sweep, a statement a step: take a page (or find it, and lock it by its keys), settle, refund, commit,
/// and on to the next page. A page that made trouble when it was taken is found.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "native/refund_result.hpp"
#include "tests/property/stage.hpp"

namespace jobwatchdog::test {

class PlayedSweep {
 public:
  PlayedSweep(Stage& stage, const Database& database, int actor)
      : stage_(stage),
        actor_(actor),
        name_("sweep " + std::to_string(actor)),
        connection_(connected(database)) {}

  /// The next statement. A step that would wait for another actor is left out, or insisted on and killed. A
  /// page that begins is taken or found.
  void advance(bool insists, bool takes) {
    switch (state_.phase) {
      case Phase::idle: return begin_pass(takes);
      case Phase::page: return begin_page(takes);
      case Phase::lock: return lock();
      case Phase::settle: return settle();
      case Phase::refund: return refund(insists);
      case Phase::commit: return commit();
    }
  }

  void kill() {
    if (state_.transaction) stage_.note(name_ + " ends without a commit");
    state_ = State{};
    stage_.model.roll_back(actor_);
  }

  [[nodiscard]] bool is_idle() const { return state_.phase == Phase::idle; }
  [[nodiscard]] Micros now() const { return actor_ * pass_gap; }
  [[nodiscard]] const std::multiset<std::string>& seen() const { return state_.seen; }

  [[nodiscard]] std::string now_text() const {
    const auto seconds_past = now() / 1'000'000;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "2020-01-01 00:%02d:%02d+00",
                  static_cast<int>(seconds_past / 60 % 60), static_cast<int>(seconds_past % 60));
    return text.data();
  }

 private:
  enum class Phase { idle, page, lock, settle, refund, commit };

  /// Behind which row a page begins.
  struct Place {
    Text aged, key;                    ///< As the database wrote it.
    std::optional<Position> position;  ///< The same for the model.
  };

  struct State {
    Phase phase{Phase::idle};
    std::optional<Transaction> transaction;
    Place behind, page_end;
    bool is_last_page{false};
    bool is_taken{false};           ///< The page, that is: not found.
    bool is_careful{false};         ///< The page made trouble: it must be found.
    std::vector<std::string> keys;  ///< Of the page, to settle.
    std::string aged_min, aged_max;
    Micros age_min{}, age_max{};
    std::vector<std::string> settled_keys, due_keys;
    std::vector<Row> due_rows;  ///< Of the model.
    std::multiset<std::string> seen;
  };

  void begin_pass(bool takes) {
    state_ = State{};
    stage_.expect_rest(now(), now_text());
    begin_page(takes);
  }

  void begin_page(bool takes) {
    state_.keys.clear();
    state_.is_taken = takes && !state_.is_careful;
    state_.is_careful = false;
    if (state_.is_taken) return take();
    find();
  }

  void next_page() {
    state_.transaction.reset();
    state_.behind = state_.page_end;
    state_.phase = state_.is_last_page ? Phase::idle : Phase::page;
  }

  [[nodiscard]] std::vector<Text> page_parameters() const {
    return {now_text(), state_.behind.aged, state_.behind.key, std::to_string(stage_.the_case().page_size)};
  }

  void note_page(const std::string& what) {
    stage_.note(what + " at " + now_text() + " behind " + state_.behind.aged.value_or("the beginning") + " " +
                state_.behind.key.value_or(""));
  }

  void expect_page(const Rows& page, const std::vector<Row>& foretold, const std::string& what) {
    stage_.expect_facts(page, foretold, what);
    state_.is_last_page = page.size() < stage_.the_case().page_size;
    if (page.size() == 0) return;
    state_.page_end = {page.at(page.size() - 1, "aged_since"), page.at(page.size() - 1, "key"),
                       Position{*stage_.model.age_of(foretold.back()), foretold.back().key}};
  }

  void take() {
    const std::string what = name_ + " take";
    note_page(what);
    begin_transaction(true, what);
    const auto answer = state_.transaction->query(stage_.compiled().take, page_parameters());
    const std::vector<Row> foretold =
        stage_.model.take(actor_, now(), state_.behind.position, stage_.the_case().page_size);
    if (stage_.is_refused(answer, foretold, read_by_take(), what)) {
      ++stage_.happened["a take that an amount refuses"];
      return roll_back_taken();
    }
    expect_page(answer.value(), foretold, what);
    for (const Row& row : foretold) {
      state_.keys.push_back(row.key);
      state_.seen.insert(row.key);
    }
    for (const Row& row : read_by_take())
      stage_.happened["a row that a take leaves to others"] +=
          stage_.model.is_locked(row.key, actor_) ? 1 : 0;
    decide(answer.value(), foretold);
  }

  /// The page is given up; it is found next.
  void roll_back_taken() {
    stage_.note(name_ + " rolls back and looks for the page");
    state_.transaction.reset();
    stage_.model.roll_back(actor_);
    for (const std::string& key : state_.keys) state_.seen.erase(key);
    state_.is_careful = true;
    state_.phase = Phase::page;
  }

  /// What a take may look at, locked or not: all that it could give behind its place.
  [[nodiscard]] std::vector<Row> read_by_take() const {
    std::vector<Row> rows = stage_.model.find(now(), state_.behind.position, 1'000'000);
    std::erase_if(rows, [this](const Row& row) { return stage_.model.is_before_deadline(row, now()); });
    return rows;
  }

  /// What a lock may look at, locked or not.
  [[nodiscard]] std::vector<Row> read_by_lock() const {
    std::vector<Row> rows = stage_.model.find(now(), std::nullopt, 1'000'000);
    std::erase_if(rows, [this](const Row& row) {
      return std::find(state_.keys.begin(), state_.keys.end(), row.key) == state_.keys.end() ||
             stage_.model.is_before_deadline(row, now());
    });
    return rows;
  }

  void begin_transaction(bool by_index_order, const std::string& what) {
    state_.transaction.emplace(stage_.demand_answer(connection_.begin({.by_index_order = by_index_order,
                                                                       .statement_timeout = seconds(60),
                                                                       .idle_timeout = Duration{0}}),
                                                    what));
  }

  void find() {
    const std::string what = name_ + " find";
    note_page(what);
    const Rows page = stage_.demand_answer(
        connection_.query(stage_.compiled().find, page_parameters(),
                          {.read_only = true, .by_index_order = true, .statement_timeout = seconds(60)}),
        what);
    const std::vector<Row> foretold =
        stage_.model.find(now(), state_.behind.position, stage_.the_case().page_size);
    expect_page(page, foretold, what);
    for (std::size_t i = 0; i < page.size(); ++i) {
      state_.seen.insert(page.text(i, "key"));
      if (!decides_to_settle(page, i, foretold[i])) continue;
      if (state_.keys.empty()) {
        state_.aged_min = page.text(i, "aged_since");
        state_.age_min = *stage_.model.age_of(foretold[i]);
      }
      state_.aged_max = page.text(i, "aged_since");
      state_.age_max = *stage_.model.age_of(foretold[i]);
      state_.keys.push_back(page.text(i, "key"));
    }
    state_.phase = Phase::lock;
    if (state_.keys.empty()) next_page();
  }

  /// As core decides over the row of the database, which is as the model foretells for its own.
  bool decides_to_settle(const Rows& real, std::size_t i, const Row& row) const {
    const JobFacts job = jobwatchdog::facts_of(real, i);
    const Settlement settlement = decide_settlement(
        stage_.rule(), job, verdict_for(stage_.rule(), job, nullptr), Stage::instant(now()));
    const bool settles = settlement.kind == Settlement::Kind::settle_by_rule;
    stage_.demand(settles == stage_.model.is_settled(row, now()),
                  "the decision over " + Stage::fact_words(job) + " is " + settlement.reason);
    return settles;
  }

  void lock() {
    const std::string what = name_ + " lock";
    stage_.note(what + " " + joined(state_.keys));
    begin_transaction(false, what);
    const auto answer = state_.transaction->query(
        stage_.compiled().lock, {now_text(), array_literal(state_.keys), state_.aged_min, state_.aged_max});
    const std::vector<Row> foretold =
        stage_.model.lock(actor_, now(), state_.keys, state_.age_min, state_.age_max);
    if (stage_.is_refused(answer, foretold, read_by_lock(), what)) {
      ++stage_.happened["a lock that an amount refuses"];
      return go_on_without([this](const std::string& key) {
        const auto row = stage_.model.rows.find(key);
        return row != stage_.model.rows.end() && stage_.model.is_senseless(row->second);
      });
    }
    stage_.expect_facts(answer.value(), foretold, what);
    stage_.happened["a row that is left to others"] += static_cast<int>(state_.keys.size() - foretold.size());
    decide(answer.value(), foretold);
  }

  /// Over the rows of a page that are locked now.
  void decide(const Rows& locked, const std::vector<Row>& foretold) {
    Pending& pending = stage_.model.open[actor_];
    state_.settled_keys.clear();
    state_.due_keys.clear();
    state_.due_rows.clear();
    for (std::size_t i = 0; i < locked.size(); ++i) {
      const Row& row = foretold[i];
      pending.locked.insert(row.key);
      if (!decides_to_settle(locked, i, row)) continue;
      state_.settled_keys.push_back(row.key);
      pending.written[row.key] = stage_.model.settled(row);
      const bool pays = refund_is_due(stage_.rule(), jobwatchdog::facts_of(locked, i));
      if (pays) state_.due_keys.push_back(row.key);
      if (stage_.model.is_due(row)) state_.due_rows.push_back(row);
    }
    state_.phase = Phase::settle;
    if (!state_.settled_keys.empty()) return;
    stage_.model.roll_back(actor_);
    next_page();
  }

  void settle() {
    const std::string what = name_ + " settle";
    stage_.note(what + " " + joined(state_.settled_keys));
    const Rows stored = stage_.demand_answer(
        state_.transaction->query(stage_.compiled().settle, {array_literal(state_.settled_keys)}), what);
    std::map<std::string, std::string> status_of;
    for (std::size_t i = 0; i < stored.size(); ++i)
      status_of[stored.text(i, "key")] = stored.text(i, "status");
    std::map<std::string, std::string> foretold;
    for (const auto& [key, row] : stage_.model.open[actor_].written) foretold[key] = row.status;
    stage_.demand(stored.size() == foretold.size() && status_of == foretold,
                  what + " wrote other rows than those it locked");
    state_.phase = state_.due_keys.empty() && state_.due_rows.empty() ? Phase::commit : Phase::refund;
  }

  void refund(bool insists) {
    const std::string what = name_ + " refund";
    const bool would_wait = std::any_of(state_.due_rows.begin(), state_.due_rows.end(), [&](const Row& row) {
      return stage_.model.answer_for(row) == Answer::paid && stage_.model.is_user_locked(*row.user, actor_);
    });
    if (would_wait && !insists) return;
    stage_.note(what + " " + joined(state_.due_keys) + (would_wait ? ", which must wait for a user" : ""));
    if (would_wait) {
      stage_.demand_answer(state_.transaction->query("SELECT set_config('lock_timeout', '10', true)"), what);
      const auto answer =
          state_.transaction->query(stage_.compiled().refund, {array_literal(state_.due_keys)});
      stage_.demand_wait(answer, what);
      ++stage_.happened["a refund that waits"];
      return kill();
    }
    const Rows answers = stage_.demand_answer(
        state_.transaction->query(stage_.compiled().refund, {array_literal(state_.due_keys)}), what);
    std::map<std::string, Answer> answer_of;
    for (std::size_t i = 0; i < answers.size(); ++i)
      answer_of[answers.text(i, "key")] =
          refund_refusal(answers.at(i, "result")) ? Answer::refused : Answer::paid;
    for (const std::string& key : state_.due_keys) answer_of.try_emplace(key, Answer::no_row);
    std::map<std::string, Answer> foretold;
    for (const Row& row : state_.due_rows) foretold[row.key] = stage_.model.answer_for(row);
    stage_.demand(!stage_.compares_facts() || answer_of == foretold, what + " was answered in another way");
    take_answers(foretold);
  }

  /// One refusal rolls the batch back; the others are tried again without it.
  void take_answers(const std::map<std::string, Answer>& answers) {
    const bool is_refused = std::any_of(answers.begin(), answers.end(),
                                        [](const auto& answer) { return answer.second != Answer::paid; });
    if (!is_refused) {
      for (const Row& row : state_.due_rows) {
        stage_.model.open[actor_].locked_users.insert(*row.user);
        stage_.model.open[actor_].payments.push_back({*row.user, *row.amount});
      }
      state_.phase = Phase::commit;
      return;
    }
    ++stage_.happened[state_.is_taken ? "a refusal of a taken row" : "a refusal"];
    if (state_.is_taken) return roll_back_taken();
    go_on_without([&answers](const std::string& key) {
      const auto answer = answers.find(key);
      return answer != answers.end() && answer->second != Answer::paid;
    });
  }

  template <typename Refused>
  void go_on_without(const Refused& is_refused) {
    stage_.note(name_ + " rolls back and goes on without the refused");
    state_.transaction.reset();
    stage_.model.roll_back(actor_);
    std::erase_if(state_.keys, is_refused);
    state_.phase = Phase::lock;
    if (state_.keys.empty()) next_page();
  }

  void commit() {
    stage_.note(name_ + " commit");
    ++stage_.happened[state_.is_taken ? "a commit of a taken page" : "a commit"];
    stage_.demand_commit(*state_.transaction, name_);
    for (const std::string& key : state_.due_keys) stage_.expect_first_payment(key);
    stage_.happened["a refund"] += static_cast<int>(state_.due_keys.size());
    stage_.model.commit(actor_);
    next_page();
  }

  Stage& stage_;
  int actor_;
  std::string name_;
  Connection connection_;
  State state_;
};

}  // namespace jobwatchdog::test
