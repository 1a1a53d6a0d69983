/// The others: workers that change, remove and add rows, users that cancel, and one worker that holds a row.
#pragma once

#include <string>

#include "tests/property/stage.hpp"

namespace jobwatchdog::test {

class PlayedWorkers {
 public:
  PlayedWorkers(Stage& stage, const Database& database)
      : stage_(stage), worker_(connected(database)), holder_(connected(database)) {}

  void play(const Step& step) {
    if (step.kind == Step::Kind::insert) return insert(step.other);
    if (step.kind == Step::Kind::end_hold) return end_hold(step.sweep == 0);
    if (stage_.model.rows.empty()) return;
    const auto place = static_cast<std::ptrdiff_t>(step.pick % stage_.model.rows.size());
    const Row row = std::next(stage_.model.rows.begin(), place)->second;
    if (step.kind == Step::Kind::hold) return begin_hold(row, step.other.status);
    if (step.kind == Step::Kind::cancel) return cancel(row, step.insists);
    change(row, step);
  }

  /// The holder's changes are undone or done.
  void end_hold(bool commits) {
    if (!hold_) return;
    stage_.note(commits ? "holder: commit" : "holder: rollback");
    if (commits) {
      stage_.demand_commit(*hold_, "the holder");
      stage_.model.commit(holder);
    }
    stage_.model.roll_back(holder);
    hold_.reset();
  }

 private:
  void change(const Row& before, const Step& step) {
    const Names& n = stage_.names();
    const std::string key = before.key;
    Row after = before;
    std::string sql;
    if (step.kind == Step::Kind::set_status) {
      after.status = step.other.status;
      sql = stage_.table().update_sql(key, n.status, quote_literal(after.status));
    } else if (step.kind == Step::Kind::set_age) {
      after.ages[0] = step.other.ages[0];
      sql = stage_.table().update_sql(key, n.ages[0], stage_.table().time_sql(after.ages[0]));
    } else if (step.kind == Step::Kind::set_task) {
      after.task = step.other.task;
      sql = stage_.table().update_sql(key, n.task, RealTable::text_sql(after.task));
    } else if (step.kind == Step::Kind::set_charged) {
      after.charged = step.other.charged;
      sql = stage_.table().update_sql(key, n.charged, RealTable::flag_sql(after.charged));
    } else {
      sql = "DELETE FROM " + stage_.table().table() + stage_.table().where(key);
    }
    if (!works(sql, stage_.model.is_locked(key, nobody), step.insists)) return;
    if (step.kind == Step::Kind::remove) {
      stage_.model.rows.erase(key);
    } else {
      stage_.model.rows[key] = after;
    }
  }

  /// A user cancels: another way to settle, which pays by itself and marks the row.
  void cancel(const Row& before, bool insists) {
    if (!stage_.model.is_due(before) || stage_.model.is_senseless(before)) return;
    if (stage_.model.answer_for(before) != Answer::paid) return;
    const Names& n = stage_.names();
    const bool would_wait =
        stage_.model.is_locked(before.key, nobody) || stage_.model.is_user_locked(*before.user, nobody);
    const std::string update = stage_.table().update_sql(
        before.key, n.status, quote_literal("done") + ", " + quote_identifier(n.refunded) + " = true");
    const std::string sql = "WITH cancelled AS (" + update + " RETURNING " + quote_identifier(n.user) +
                            " AS who, " + quote_identifier(n.amount) +
                            " AS amount) SELECT f.success FROM cancelled, public.\"pay back\"(who, amount, " +
                            quote_literal(hostile_text) + ") AS f";
    if (!works(sql, would_wait, insists)) return;
    stage_.expect_first_payment(before.key);
    ++stage_.happened["a cancel that pays"];
    stage_.model.pay({*before.user, *before.amount});
    Row after = before;
    after.status = "done";
    after.refunded = true;
    stage_.model.rows[before.key] = after;
  }

  void insert(const Row& row) { works(stage_.table().insert_sql(stage_.add_row(row)), false, false); }

  /// A short statement of a worker. Gives whether it was done.
  bool works(const std::string& sql, bool would_wait, bool insists) {
    if (would_wait && !insists) return false;
    stage_.note("worker: " + sql + (would_wait ? ", which must wait" : ""));
    const auto result = worker_.query(
        sql, {}, {.statement_timeout = seconds(60), .lock_timeout = milliseconds(would_wait ? 10 : 500)});
    if (!would_wait) stage_.demand_answer(result, "the worker");
    if (would_wait) stage_.demand_wait(result, "the worker");
    if (would_wait) ++stage_.happened["a worker that waits"];
    return !would_wait;
  }

  /// A worker that changes a row and does not say yet whether it means it.
  void begin_hold(const Row& before, const std::string& status) {
    if (hold_ || stage_.model.is_locked(before.key, holder)) return;
    const std::string sql =
        stage_.table().update_sql(before.key, stage_.names().status, quote_literal(status));
    stage_.note("holder: " + sql);
    hold_.emplace(stage_.demand_answer(
        holder_.begin({.statement_timeout = seconds(60), .idle_timeout = Duration{0}}), "the holder"));
    stage_.demand_answer(hold_->query(sql), "the holder");
    Row after = before;
    after.status = status;
    stage_.model.open[holder] = Pending{{before.key}, {{before.key, after}}, {}, {}};
  }

  Stage& stage_;
  Connection worker_;
  Connection holder_;
  std::optional<Transaction> hold_;
};

}  // namespace jobwatchdog::test
