// The sweep: load -> decide -> save, page by page, table by table.
#include "native/sweep.hpp"

#include <algorithm>
#include <functional>

#include "core/rule_lint.hpp"
#include "native/catalog.hpp"
#include "native/failpoint.hpp"
#include "native/log.hpp"
#include "native/progress_bar.hpp"
#include "native/retry.hpp"
#include "native/settle_batch.hpp"
#include "native/stop_signal.hpp"
#include "native/stopwatch.hpp"
#include "native/suspect_pass.hpp"

namespace jobwatchdog {
namespace {

/// What all passes of one sweep share.
struct SweepContext {
  Connection& connection;
  const Configuration& configuration;
  const SweepOptions& options;
  History& history;
  std::string now_text;
  Instant now;
  Stopwatch stopwatch;
  bool database_lost{false};  ///< It went away and did not come back: the tables that are left are not tried.

  [[nodiscard]] bool must_stop() const {
    if (database_lost) return true;
    return stop_signal() != 0 || stopwatch.elapsed() >= options.duration_max;
  }
  [[nodiscard]] std::function<bool()> stop_wish() const {
    return [this] { return must_stop(); };
  }
};

constexpr TransactionOptions reading{.read_only = true, .statement_timeout = reading_timeout};
constexpr TransactionOptions reading_pages{
    .read_only = true, .by_index_order = true, .statement_timeout = reading_timeout};

/// Decides over a page as it was read: the rows to settle, and those to keep.
std::pair<std::vector<SettledRow>, std::vector<SettledRow>> decide(const BatchContext& batch,
                                                                   const Rows& page) {
  std::pair<std::vector<SettledRow>, std::vector<SettledRow>> decided;
  for (std::size_t i = 0; i < page.size(); ++i) {
    DecidedRow row = decide_row(batch, page, i);
    const bool is_end =
        row.settlement.kind == Settlement::Kind::settle_as_succeeded || settles(batch, row.settlement);
    (is_end ? decided.first : decided.second).push_back(std::move(row.row));
  }
  return decided;
}

void report_exhausted(SweepContext& sweep, const CompiledRule& compiled, TableResult& result) {
  if (compiled.exhausted.empty()) return;
  const DatabaseResult<Rows> rows =
      query_patiently(sweep.connection, compiled.exhausted, {sweep.now_text}, reading, sweep.stop_wish());
  if (!rows.ok() || rows.value().size() == 0) return;
  result.exhausted_count = rows.value().integer(0, "total");
  for (std::size_t i = 0; i < rows.value().size(); ++i)
    result.exhausted.push_back(rows.value().text(i, "key"));
}

std::int64_t count_for_progress(SweepContext& sweep, const CompiledRule& compiled) {
  if (!ProgressBar::is_visible(sweep.options.show_progress)) return 0;
  const DatabaseResult<Rows> rows =
      query_patiently(sweep.connection, compiled.rest, {sweep.now_text}, reading, sweep.stop_wish());
  return rows.ok() ? rows.value().integer(0, "settleable") : 0;
}

void notice_age(const SweepContext& sweep, std::int64_t aged_since_ms, TableResult& result) {
  result.oldest_age_ms = std::max(result.oldest_age_ms.value_or(0), sweep.now.ms - aged_since_ms);
}

/// Ends the pass over a table; always false, as the answer of sweep_pages().
bool end_early(TableResult& result, const DatabaseError& error) {
  using Kind = DatabaseError::Kind;
  result.error = error_text(error);
  result.database_lost =
      error.kind == Kind::unreachable || error.kind == Kind::connection_lost || error.kind == Kind::in_doubt;
  return false;
}

DatabaseResult<Rows> find_page(SweepContext& sweep, const BatchContext& batch, const Cursor& cursor) {
  return query_patiently(
      sweep.connection, batch.compiled.find,
      {sweep.now_text, cursor.aged_since, cursor.key, std::to_string(sweep.options.batch_size)},
      reading_pages, sweep.stop_wish());
}

bool is_last_page(const SweepContext& sweep, std::size_t row_count) {
  return row_count < static_cast<std::size_t>(sweep.options.batch_size);
}

/// A dry run: what would be settled and what would be kept, page by page. Gives whether it saw every suspect.
bool look_at_pages(SweepContext& sweep, const BatchContext& batch, TableResult& result) {
  Cursor cursor;
  while (!sweep.must_stop()) {
    const DatabaseResult<Rows> found = find_page(sweep, batch, cursor);
    if (!found.ok()) return end_early(result, found.error());
    const Rows& page = found.value();
    if (page.size() == 0) return true;
    notice_age(sweep, page.integer(0, "aged_since_ms"), result);
    result.found_count += static_cast<std::int64_t>(page.size());
    ProviderWords words;
    BatchContext judged = batch;
    if (sweep.options.provider != nullptr) {
      words = ask_about(*sweep.options.provider, page, sweep.stop_wish());
      result.asked_count += static_cast<std::int64_t>(words.size());
      judged.words = &words;
    }
    auto [to_settle, kept] = decide(judged, page);
    add_settled(std::move(to_settle), result);
    result.kept_count += static_cast<std::int64_t>(kept.size());
    for (SettledRow& row : kept) {
      if (result.kept.size() < TableResult::rows_kept_max) result.kept.push_back(std::move(row));
    }
    if (is_last_page(sweep, page.size())) return true;
    cursor = place_of(page).last;
  }
  return false;
}

/// The page behind the cursor, with a row in it that cannot be settled: it is found, and what others can be
/// is settled.
DatabaseResult<TakenPage> settle_closely(SweepContext& sweep, const BatchContext& batch, const Cursor& cursor,
                                         TableResult& result) {
  const DatabaseResult<Rows> found = find_page(sweep, batch, cursor);
  if (!found.ok()) return found.error();
  const Rows& page = found.value();
  if (page.size() == 0) return TakenPage{};
  const TakenPage taken = place_of(page);
  failpoint("after_find");
  const auto decided = decide(batch, page);
  if (auto error = settle_page(sweep.connection, batch, page_of(decided.first), result)) return *error;
  return taken;
}

/// What the pass leaves behind: rows that others hold are missed. Gives how many wait for the provider's
/// word.
std::int64_t count_the_rest(SweepContext& sweep, const BatchContext& batch, TableResult& result) {
  const DatabaseResult<Rows> rest =
      query_patiently(sweep.connection, batch.compiled.rest, {sweep.now_text}, reading, sweep.stop_wish());
  if (!rest.ok()) {
    end_early(result, rest.error());
    return 0;
  }
  if (rest.value().at(0, "aged_since_ms"))
    notice_age(sweep, rest.value().integer(0, "aged_since_ms"), result);
  // What could not be settled and what the decision kept is still stuck, and is not missed.
  result.missed_count = std::max<std::int64_t>(
      0, rest.value().integer(0, "settleable") - result.isolated_count - result.kept_count);
  return rest.value().integer(0, "waiting");
}

/// Rows with a task: the provider is asked about them, or they are kept. Gives whether the pass was over all.
bool settle_waiting(SweepContext& sweep, const BatchContext& batch, std::int64_t waiting_count,
                    TableResult& result) {
  if (waiting_count == 0 || sweep.options.provider == nullptr) {
    result.kept_count += waiting_count;
    return true;
  }
  const DatabaseResult<bool> is_whole =
      settle_suspects(sweep.connection, batch, *sweep.options.provider, sweep.options.batch_size, result);
  if (!is_whole.ok()) return end_early(result, is_whole.error());
  if (result.unanswered_count > 0)
    log(LogLevel::warning,
        "the provider gave no usable answer about some tasks; they are kept until their hard deadline",
        {{"table", result.table}, {"tasks", std::to_string(result.unanswered_count)}});
  return is_whole.value();
}

/// All pages of one table, oldest first. Gives whether the pass was over every row that could be settled.
bool settle_pages(SweepContext& sweep, const BatchContext& batch, TableResult& result) {
  ProgressBar bar{result.table, count_for_progress(sweep, batch.compiled), sweep.options.show_progress};
  Cursor cursor;
  while (!sweep.must_stop()) {
    DatabaseResult<TakenPage> taken =
        settle_next(sweep.connection, batch, cursor, sweep.options.batch_size, result);
    if (taken.ok() && taken.value().is_in_trouble) taken = settle_closely(sweep, batch, cursor, result);
    if (!taken.ok()) return end_early(result, taken.error());
    if (taken.value().oldest_ms) notice_age(sweep, *taken.value().oldest_ms, result);
    if (sweep.must_stop()) return false;
    bar.advance(static_cast<std::int64_t>(taken.value().row_count));
    if (is_last_page(sweep, taken.value().row_count))
      return settle_waiting(sweep, batch, count_the_rest(sweep, batch, result), result);
    cursor = taken.value().last;
  }
  return false;
}

/// One pass over one table. Gives whether it was whole.
bool sweep_pages(SweepContext& sweep, const BatchContext& batch, TableResult& result) {
  if (sweep.options.dry_run) return look_at_pages(sweep, batch, result);
  const bool is_whole = settle_pages(sweep, batch, result);
  result.found_count = result.settled_count + result.kept_count + result.isolated_count + result.missed_count;
  return is_whole;
}

TableResult sweep_table(SweepContext& sweep, const Rule& rule, const TableFacts& facts,
                        const std::vector<std::string>& known_tables) {
  TableResult result;
  result.table = display_name(facts.table);
  for (const Finding& finding : lint_shape(rule, facts, known_tables)) {
    if (finding.level == FindingLevel::error) result.problems.push_back(finding.problem);
  }
  if (!result.problems.empty() || sweep.must_stop()) return result;
  if (facts.hides_rows) {
    log(LogLevel::warning, "row level security applies to role " + facts.role + ": stuck rows of " +
                               result.table +
                               " may be invisible to it; it needs BYPASSRLS, or [database] role");
  }
  const bool asks = rule.provider && sweep.options.provider != nullptr;
  const CompiledRule compiled =
      compile_rule(rule, facts.table, asks ? ProviderAccess::asking : ProviderAccess::none);
  const BatchContext batch{rule,
                           facts.table,
                           compiled,
                           sweep.now,
                           sweep.now_text,
                           {.statement_timeout = sweep.configuration.statement_timeout,
                            .lock_timeout = sweep.configuration.lock_timeout},
                           rule.audit ? sweep.history.audit_table() : "",
                           sweep.history.actor(),
                           sweep.stop_wish()};
  const bool pass_is_whole = sweep_pages(sweep, batch, result);
  if (!result.error.empty()) return result;
  report_exhausted(sweep, compiled, result);
  if (!sweep.options.dry_run)
    sweep.history.record_isolated(sweep.connection, rule.name, result, pass_is_whole, sweep.stop_wish());
  return result;
}

std::vector<QualifiedName> tables_of(const Configuration& configuration) {
  std::vector<QualifiedName> tables;
  for (const Rule& rule : configuration.rules)
    tables.insert(tables.end(), rule.tables.begin(), rule.tables.end());
  return tables;
}

void conclude(const SweepContext& sweep, SweepResult& result) {
  std::size_t table_count = 0;
  std::size_t failed_count = 0;
  for (const RuleResult& rule : result.rules) {
    for (const TableResult& table : rule.tables) {
      ++table_count;
      if (!table.error.empty() || !table.problems.empty()) ++failed_count;
      result.misconfigured = result.misconfigured || !table.problems.empty();
    }
  }
  result.duration_ms = sweep.stopwatch.elapsed().ms;
  if (failed_count > 0 || result.total(&TableResult::isolated_count) > 0)
    result.outcome = SweepOutcome::partial;
  if (table_count > 0 && failed_count == table_count) result.outcome = SweepOutcome::failed;
  if (stop_signal() != 0) {
    result.outcome = SweepOutcome::interrupted;
  } else if (result.outcome == SweepOutcome::done &&
             sweep.stopwatch.elapsed() >= sweep.options.duration_max) {
    result.outcome = SweepOutcome::time_is_up;
  }
}

/// All names of tables when one of the rules' tables is not there: a near one may be meant.
std::vector<std::string> names_to_propose(Connection& connection, const std::vector<TableFacts>& shapes) {
  for (const TableFacts& facts : shapes) {
    if (facts.exists) continue;
    const DatabaseResult<std::vector<std::string>> names = load_table_names(connection);
    return names.ok() ? names.value() : std::vector<std::string>{};
  }
  return {};
}

/// A sweep that its flag switches off leaves its trace all the same: who looks for the last one must find
/// why.
SweepResult leave_trace(Connection& connection, SweepResult result, History& history) {
  history.begin_run(connection);
  history.end_run(connection, result, [] { return stop_signal() != 0; });
  return result;
}

/// What was committed before a failover may be missing on the server that took over, and nobody else would
/// tell.
void notice_another_server(SweepContext& sweep, const std::string& server_at_first, SweepResult& result) {
  const DatabaseResult<Rows> at_last = query_patiently(
      sweep.connection, std::string{"SELECT "} + server_sql + " AS server", {}, reading, sweep.stop_wish());
  result.server_changed = at_last.ok() && at_last.value().text(0, "server") != server_at_first;
  if (!result.server_changed) return;
  log(LogLevel::warning,
      "the database was restarted, or another server took over, in the middle of this sweep: without synchronous "
      "replication rows that were settled before may be stuck again; the next sweep settles them");
}

}  // namespace

DatabaseResult<SweepResult> run_sweep(Connection& connection, const Configuration& configuration,
                                      const SweepOptions& options, History& history) {
  const DatabaseResult<DatabaseNow> clock = database_now(connection);
  if (!clock.ok()) return clock.error();
  SweepResult result;
  result.dry_run = options.dry_run;
  result.switched_off_by = options.switched_off_by;
  result.started_at = clock.value().text;
  if (!options.switched_off_by.empty() && !options.dry_run)
    return leave_trace(connection, std::move(result), history);
  const DatabaseResult<std::vector<TableFacts>> shapes =
      load_table_shapes(connection, tables_of(configuration));
  if (!shapes.ok()) return shapes.error();
  const std::vector<std::string> known_tables = names_to_propose(connection, shapes.value());

  SweepContext sweep{connection,         configuration,         options, history,
                     clock.value().text, clock.value().instant, {}};
  if (!options.dry_run) history.begin_run(connection);
  std::size_t shape = 0;
  for (const Rule& rule : configuration.rules) {
    const bool wanted = options.only_rule.empty() || options.only_rule == rule.name;
    RuleResult rule_result{rule.name, {}};
    for (std::size_t i = 0; i < rule.tables.size(); ++i, ++shape) {
      if (!wanted) continue;
      rule_result.tables.push_back(sweep_table(sweep, rule, shapes.value()[shape], known_tables));
      sweep.database_lost = sweep.database_lost || rule_result.tables.back().database_lost;
    }
    if (wanted) result.rules.push_back(std::move(rule_result));
  }
  conclude(sweep, result);
  notice_another_server(sweep, clock.value().server, result);
  if (!options.dry_run) history.end_run(connection, result, sweep.stop_wish());
  return result;
}

}  // namespace jobwatchdog
