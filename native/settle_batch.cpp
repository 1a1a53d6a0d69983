// Settling a page of suspects, batch by batch, until each row is settled, left alone or isolated.
#include "native/settle_batch.hpp"

#include <algorithm>
#include <map>

#include "native/commit_fate.hpp"
#include "native/failpoint.hpp"
#include "native/json_text.hpp"
#include "native/refund_result.hpp"
#include "native/retry.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

/// What one transaction came to, before anybody knows whether it was committed.
struct BatchWork {
  std::vector<SettledRow> settled;
  std::vector<SettledRow> kept;
  TakenPage taken;
  std::vector<IsolatedRow> refused;  ///< Not empty: roll back, isolate these, try the others again.
  std::int64_t duration_ms{0};
};

std::vector<std::string> keys_of(const std::vector<SettledRow>& rows) {
  std::vector<std::string> keys;
  keys.reserve(rows.size());
  for (const SettledRow& row : rows) keys.push_back(row.key);
  return keys;
}

/// Decides over the locked rows: `work.settled` are those to settle, each with the credits that are due.
void decide(const BatchContext& context, const Rows& locked, BatchWork& work) {
  if (locked.size() > 0) work.taken = place_of(locked);
  for (std::size_t i = 0; i < locked.size(); ++i) {
    DecidedRow decided = decide_row(context, locked, i);
    (settles(context, decided.settlement) ? work.settled : work.kept).push_back(std::move(decided.row));
  }
}

/// Rows that a trigger kept as they were, silently: they are refusals too, or they would be paid for and stay
/// stuck.
void find_silent_refusals(const BatchContext& context, const Rows& stored, BatchWork& work) {
  std::map<std::string, std::string> status_of;
  for (std::size_t i = 0; i < stored.size(); ++i) status_of[stored.text(i, "key")] = stored.text(i, "status");
  for (const SettledRow& row : work.settled) {
    const auto found = status_of.find(row.key);
    if (found == status_of.end()) {
      work.refused.push_back({row.key, "",
                              context.rule.settle_function
                                  ? "the settle function left the row as it was"
                                  : "the update was suppressed, probably by a trigger"});
    } else if (std::find(context.rule.stuck_in.begin(), context.rule.stuck_in.end(), found->second) !=
               context.rule.stuck_in.end()) {
      work.refused.push_back({row.key, "", "a trigger put its status back to \"" + found->second + "\""});
    }
  }
}

/// What the settle function paid is what was paid; the rule's own columns were only a forecast.
void take_paid_amounts(const Rows& stored, BatchWork& work) {
  std::map<std::string, std::int64_t> paid;
  for (std::size_t i = 0; i < stored.size(); ++i)
    paid[stored.text(i, "key")] = stored.integer(i, "refunded_amount");
  for (SettledRow& row : work.settled) row.refunded_credits = paid[row.key];
}

std::optional<DatabaseError> pay_refunds(Transaction& transaction, const BatchContext& context,
                                         BatchWork& work) {
  std::vector<std::string> due;
  for (const SettledRow& row : work.settled) {
    if (row.refunded_credits > 0) due.push_back(row.key);
  }
  if (due.empty() || context.compiled.refund.empty()) return std::nullopt;
  const DatabaseResult<Rows> answers = transaction.query(context.compiled.refund, {array_literal(due)});
  if (!answers.ok()) return answers.error();
  std::map<std::string, std::optional<std::string>> refusal_of;
  for (std::size_t i = 0; i < answers.value().size(); ++i) {
    const std::string key = answers.value().text(i, "key");
    std::optional<std::string> refusal = refund_refusal(answers.value().at(i, "result"));
    if (refusal || refusal_of.find(key) == refusal_of.end()) refusal_of[key] = std::move(refusal);
  }
  for (const std::string& key : due) {
    const auto found = refusal_of.find(key);
    if (found == refusal_of.end()) {
      work.refused.push_back({key, "", "the refund function returned no row"});
    } else if (found->second) {
      work.refused.push_back({key, "", *found->second});
    }
  }
  return std::nullopt;
}

std::string new_status(const BatchContext& context) {
  return context.completes ? status_in(success_of(context.rule), context.rule) : settled_status(context.rule);
}

std::optional<DatabaseError> write_audit(Transaction& transaction, const BatchContext& context,
                                         const BatchWork& work) {
  if (context.audit_table.empty() || work.settled.empty()) return std::nullopt;
  nlohmann::ordered_json before = nlohmann::json::array();
  nlohmann::ordered_json ids = nlohmann::json::array();
  nlohmann::json refunds =
      nlohmann::json::object();  // Sorted: an ordered object looks each key up by walking.
  for (const SettledRow& row : work.settled) {
    nlohmann::ordered_json& entry = before.emplace_back();
    entry["id"] = row.key;
    entry["status"] = row.old_status;
    entry["aged_since"] = row.aged_since;
    ids.push_back(row.key);
    if (row.refunded_credits > 0) refunds[row.key] = row.refunded_credits;
  }
  nlohmann::ordered_json old_data;
  old_data["rows"] = std::move(before);
  nlohmann::ordered_json new_data{{"rule", context.rule.name}, {"status", new_status(context)}};
  new_data["ids"] = std::move(ids);
  new_data["refunds"] = refunds;
  if (context.words != nullptr) new_data["provider"] = words_about(*context.words, keys_of(work.settled));
  const DatabaseResult<Rows> rows = transaction.query(
      "INSERT INTO " + context.audit_table +
          " (action, table_name, record_id, old_data, new_data, actor) VALUES ($1, $2, NULL, $3::jsonb, $4::jsonb, $5)",
      {"sweep", display_name(context.table), json_line(old_data), json_line(new_data), context.actor});
  return rows.ok() ? std::nullopt : std::optional{rows.error()};
}

/// The statement that gives a batch its rows, locked.
struct Picking {
  const std::string& sql;
  std::vector<Text> parameters;
  bool reads_pages{false};  ///< It walks the table; what comes after it has the usual limits again.
};

Picking by_keys(const BatchContext& context, const Page& page) {
  return {context.compiled.lock,
          {context.now_text, array_literal(page.keys), page.aged_since_min, page.aged_since_max}};
}

Picking behind(const BatchContext& context, const Cursor& cursor, int row_count_max) {
  return {context.compiled.take,
          {context.now_text, cursor.aged_since, cursor.key, std::to_string(row_count_max)},
          true};
}

/// The transaction of a batch. Reading may take longer than writing, and goes by the index of its order.
TransactionOptions options_for(const BatchContext& context, const Picking& picking) {
  TransactionOptions options = context.transaction;
  if (!picking.reads_pages) return options;
  options.by_index_order = true;
  options.statement_timeout = std::max(options.statement_timeout, reading_timeout);
  return options;
}

std::optional<DatabaseError> end_reading(Transaction& transaction, const BatchContext& context) {
  return transaction.run_script("SET LOCAL enable_bitmapscan TO DEFAULT; SET LOCAL statement_timeout TO " +
                                std::to_string(context.transaction.statement_timeout.ms));
}

/// Everything inside the transaction up to, but without, COMMIT.
std::optional<DatabaseError> do_work(Transaction& transaction, const BatchContext& context,
                                     const Picking& picking, BatchWork& work, CommitMark& mark) {
  const DatabaseResult<Rows> locked = transaction.query(picking.sql, picking.parameters);
  if (!locked.ok()) return locked.error();
  decide(context, locked.value(), work);
  if (work.settled.empty()) return std::nullopt;
  failpoint("after_lock");
  if (picking.reads_pages) {
    if (auto error = end_reading(transaction, context)) return error;
  }
  const std::vector<std::string> keys = keys_of(work.settled);
  const DatabaseResult<Rows> stored =
      context.completes ? transaction.query(context.compiled.succeed,
                                            {array_literal(keys), output_urls(*context.words, keys)})
                        : transaction.query(context.compiled.settle, {array_literal(keys)});
  if (!stored.ok()) return stored.error();
  failpoint("after_settle");
  find_silent_refusals(context, stored.value(), work);
  if (!work.refused.empty()) return std::nullopt;
  if (context.rule.settle_function) take_paid_amounts(stored.value(), work);
  if (auto error = pay_refunds(transaction, context, work)) return error;
  failpoint("after_refund");
  if (!work.refused.empty()) return std::nullopt;
  if (auto error = write_audit(transaction, context, work)) return error;
  const DatabaseResult<CommitMark> marked = mark_transaction(transaction);
  if (!marked.ok()) return marked.error();
  mark = marked.value();
  return std::nullopt;
}

void add_committed(BatchWork work, TableResult& result) {
  result.kept_count += static_cast<std::int64_t>(work.kept.size());
  result.longest_batch_ms = std::max(result.longest_batch_ms, work.duration_ms);
  add_settled(std::move(work.settled), result);
}

void isolate(TableResult& result, IsolatedRow row) {
  ++result.isolated_count;
  if (result.isolated.size() < TableResult::rows_kept_max) result.isolated.push_back(std::move(row));
}

/// One batch, tried until its fate is known. Gives the work that was committed, the refusals that rolled it
/// back, or an error that says what is wrong with this very set of rows (or with the database).
DatabaseResult<BatchWork> run_batch(Connection& connection, const BatchContext& context,
                                    const Picking& picking) {
  using Kind = DatabaseError::Kind;
  for (int attempt = 1;; ++attempt) {
    BatchWork work;
    CommitMark mark;
    std::optional<DatabaseError> error;
    failpoint("before_batch");
    const Stopwatch stopwatch;
    {
      DatabaseResult<Transaction> transaction = connection.begin(options_for(context, picking));
      error = transaction.ok() ? do_work(transaction.value(), context, picking, work, mark)
                               : std::optional{transaction.error()};
      if (!error && (!work.refused.empty() || work.settled.empty())) return work;
      failpoint("before_commit");
      if (!error) error = transaction.value().commit();
      failpoint("after_commit");
    }
    work.duration_ms = stopwatch.elapsed().ms;
    if (!error) return work;
    if (error->kind == Kind::in_doubt) {
      const DatabaseResult<bool> committed = was_committed(
          connection, mark,
          {context.table, context.rule.key, keys_of(work.settled), context.audit_table, context.actor},
          context.must_stop);
      if (!committed.ok()) return committed.error();
      if (committed.value()) return work;
    } else if (error->kind == Kind::connection_lost) {
      if (auto still = reconnect_patiently(connection, context.must_stop)) return *still;
    } else if (error->kind != Kind::retryable) {
      return *error;
    }
    if (attempt >= attempts_max) return *error;
    rest_before_retry(attempt);
  }
}

bool is_about_rows(const DatabaseError& error) {
  using Kind = DatabaseError::Kind;
  return error.kind == Kind::refused || error.kind == Kind::timeout || error.kind == Kind::retryable;
}

std::vector<std::string> without(std::vector<std::string> keys, const std::vector<IsolatedRow>& refused) {
  keys.erase(std::remove_if(keys.begin(), keys.end(),
                            [&](const std::string& key) {
                              return std::any_of(refused.begin(), refused.end(),
                                                 [&](const IsolatedRow& row) { return row.key == key; });
                            }),
             keys.end());
  return keys;
}

}  // namespace

JobFacts facts_of(const Rows& rows, std::size_t i) {
  JobFacts job;
  job.key = rows.text(i, "key");
  job.status = rows.text(i, "status");
  if (rows.at(i, "aged_since_ms")) job.aged_since = Instant{rows.integer(i, "aged_since_ms")};
  job.task_id = rows.at(i, "task_id");
  job.rescue_count = rows.integer(i, "rescue_count");
  job.charged = rows.boolean(i, "charged");
  job.refunded = rows.boolean(i, "refunded");
  job.refund_amount = rows.integer(i, "refund_amount");
  return job;
}

std::optional<Verdict> verdict_for(const Rule& rule, const JobFacts& job, const ProviderWords* words) {
  if (!rule.provider || !job.task_id) return std::nullopt;
  if (words == nullptr)
    return Verdict{
        Verdict::Kind::unknown, {}, "", "no account of " + rule.provider->name + " has a key here"};
  const auto said = words->find(job.key);
  // A row that got another task meanwhile has not been asked about.
  if (said == words->end() || said->second.task_id != *job.task_id) return std::nullopt;
  return said->second.verdict;
}

bool settles(const BatchContext& context, const Settlement& settlement) {
  if (context.completes) return settlement.kind == Settlement::Kind::settle_as_succeeded;
  return settlement.kind == Settlement::Kind::settle_by_rule ||
         settlement.kind == Settlement::Kind::settle_as_failed;
}

DecidedRow decide_row(const BatchContext& context, const Rows& rows, std::size_t i) {
  const JobFacts job = facts_of(rows, i);
  Settlement settlement =
      decide_settlement(context.rule, job, verdict_for(context.rule, job, context.words), context.now);
  SettledRow row{job.key, job.status, rows.text(i, "aged_since"), settlement.reason,
                 settlement.refund_due ? job.refund_amount : 0};
  return {std::move(row), std::move(settlement)};
}

Page page_of(const std::vector<SettledRow>& rows) {
  if (rows.empty()) return {};
  return {keys_of(rows), rows.front().aged_since, rows.back().aged_since};
}

void add_settled(std::vector<SettledRow> rows, TableResult& result) {
  result.settled_count += static_cast<std::int64_t>(rows.size());
  for (SettledRow& row : rows) {
    if (row.refunded_credits > 0) {
      ++result.refunded_count;
      result.refunded_credits += row.refunded_credits;
    }
    if (result.settled.size() < TableResult::rows_kept_max) result.settled.push_back(std::move(row));
  }
}

void add_result(const TableResult& part, TableResult& result) {
  for (const auto count :
       {&TableResult::settled_count, &TableResult::refunded_count, &TableResult::refunded_credits,
        &TableResult::completed_count, &TableResult::kept_count, &TableResult::missed_count,
        &TableResult::isolated_count})
    result.*count += part.*count;
  result.longest_batch_ms = std::max(result.longest_batch_ms, part.longest_batch_ms);
  const auto append = [](const auto& from, auto& to) {
    const std::size_t room = TableResult::rows_kept_max - std::min(to.size(), TableResult::rows_kept_max);
    to.insert(to.end(), from.begin(),
              from.begin() + static_cast<std::ptrdiff_t>(std::min(room, from.size())));
  };
  append(part.settled, result.settled);
  append(part.isolated, result.isolated);
}

TakenPage place_of(const Rows& rows) {
  TakenPage page;
  page.row_count = rows.size();
  page.last = {rows.at(rows.size() - 1, "aged_since"), rows.at(rows.size() - 1, "key")};
  page.oldest_ms = rows.integer(0, "aged_since_ms");
  return page;
}

DatabaseResult<TakenPage> settle_next(Connection& connection, const BatchContext& context,
                                      const Cursor& cursor, int row_count_max, TableResult& result) {
  DatabaseResult<BatchWork> outcome = run_batch(connection, context, behind(context, cursor, row_count_max));
  TakenPage taken;
  if (outcome.ok() && outcome.value().refused.empty()) {
    taken = outcome.value().taken;
    add_committed(std::move(outcome.value()), result);
  } else if (outcome.ok() || is_about_rows(outcome.error())) {
    taken.is_in_trouble = true;
  } else {
    return outcome.error();
  }
  return taken;
}

std::optional<DatabaseError> settle_page(Connection& connection, const BatchContext& context, Page page,
                                         TableResult& result) {
  std::vector<Page> waiting;
  const auto wait = [&](const Page& of, std::vector<std::string> keys) {
    waiting.push_back({std::move(keys), of.aged_since_min, of.aged_since_max});
  };
  waiting.push_back(std::move(page));
  do {
    const Page batch = std::move(waiting.back());
    waiting.pop_back();
    if (batch.keys.empty()) continue;
    DatabaseResult<BatchWork> outcome = run_batch(connection, context, by_keys(context, batch));
    if (outcome.ok() && outcome.value().refused.empty()) {
      add_committed(std::move(outcome.value()), result);
    } else if (outcome.ok()) {
      for (const IsolatedRow& row : outcome.value().refused) isolate(result, row);
      wait(batch, without(batch.keys, outcome.value().refused));
    } else if (!is_about_rows(outcome.error())) {
      return outcome.error();
    } else if (batch.keys.size() == 1) {
      isolate(result, {batch.keys.front(), outcome.error().sqlstate, error_text(outcome.error())});
    } else {
      const auto middle = batch.keys.begin() + static_cast<std::ptrdiff_t>(batch.keys.size() / 2);
      wait(batch, {middle, batch.keys.end()});
      wait(batch, {batch.keys.begin(), middle});
    }
  } while (!waiting.empty() && !context.must_stop());
  return std::nullopt;
}

std::optional<std::string> rehearse_row(Connection& connection, const BatchContext& context,
                                        const Page& row) {
  DatabaseResult<Transaction> transaction = connection.begin(context.transaction);
  if (!transaction.ok()) return error_text(transaction.error());
  BatchWork work;
  CommitMark mark;
  if (auto error = do_work(transaction.value(), context, by_keys(context, row), work, mark))
    return error_text(*error);
  if (!work.refused.empty()) return work.refused.front().reason;
  return std::nullopt;
}

}  // namespace jobwatchdog
