/// Settling a page of suspects: one transaction a batch, and a batch that fails is halved until the culprit
/// is alone.
///
/// Inside the transaction: lock what still matches -> decide over the locked facts -> settle -> refund ->
/// audit. Nothing is written for a row that the decision keeps. A lost answer to COMMIT is looked up, never
/// guessed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/rule.hpp"
#include "core/rule_compiler.hpp"
#include "core/time.hpp"
#include "native/database.hpp"
#include "native/provider_words.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

/// What one pass over one table works with.
struct BatchContext {
  const Rule& rule;
  const QualifiedName& table;
  const CompiledRule& compiled;
  Instant now;           ///< Of the whole pass.
  std::string now_text;  ///< The same instant as the database wrote it.
  TransactionOptions transaction;
  std::string audit_table;  ///< Quoted; "" = no audit.
  std::string actor;
  std::function<bool()> must_stop;  ///< Asked after each transaction: time is up, or a signal came.
  /// What the provider said; without it, rows with a task are judged as if it gave no answer.
  const ProviderWords* words{nullptr};
  bool completes{false};  ///< Settles the rows whose task the provider finished, and no others.
};

/// The facts of row `i` of a result of `take`, `find`, `find_one` or `lock`.
[[nodiscard]] JobFacts facts_of(const Rows& rows, std::size_t i);

/// What is known of the provider's word about a row: nothing when it is still to be asked.
[[nodiscard]] std::optional<Verdict> verdict_for(const Rule& rule, const JobFacts& job,
                                                 const ProviderWords* words);

/// A row with the decision over it.
struct DecidedRow {
  SettledRow row;
  Settlement settlement;
};

/// Whether a batch with that context settles a row with that decision.
[[nodiscard]] bool settles(const BatchContext& context, const Settlement& settlement);

/// Decides over row `i` of a result of `take`, `find` or `lock`.
[[nodiscard]] DecidedRow decide_row(const BatchContext& context, const Rows& rows, std::size_t i);

/// Rows to settle, and between which values of their age column they lie.
struct Page {
  std::vector<std::string> keys;
  std::string aged_since_min;
  std::string aged_since_max;
};

/// The page that `rows`, which stand in the order of their age, make up.
[[nodiscard]] Page page_of(const std::vector<SettledRow>& rows);

/// Adds rows that are settled (or, in a dry run, would be) to the counts and the list.
void add_settled(std::vector<SettledRow> rows, TableResult& result);

/// Adds what a part of a pass came to: its counts and its lists.
void add_result(const TableResult& part, TableResult& result);

/// Where a pass over a table stands: behind this row, or at the beginning.
struct Cursor {
  Text aged_since;
  Text key;
};

/// What became of the rows behind a cursor.
struct TakenPage {
  std::size_t row_count{0};  ///< Fewer than were asked for: there are no more.
  Cursor last;               ///< The row behind which the next page begins; only of a page with rows.
  std::optional<std::int64_t> oldest_ms;  ///< Age column of the first row.
  bool is_in_trouble{false};              ///< Nothing was settled: some row cannot be, find out which.
};

/// What `rows`, a page of `take` or `find` with at least one row, says of its place.
[[nodiscard]] TakenPage place_of(const Rows& rows);

/// Takes the next rows behind `cursor` that need nobody's word and settles them in one transaction.
/** A row whose age somebody changes at this very moment may move the cursor with it; what is passed over so
 * is missed, and the next sweep settles it. Errors: only those that end the whole pass. Source: as
 * settle_page(). */
[[nodiscard]] DatabaseResult<TakenPage> settle_next(Connection& connection, const BatchContext& context,
                                                    const Cursor& cursor, int row_count_max,
                                                    TableResult& result);

/// Settles a page and adds what happened to `result`.
/** Errors: only those that end the whole pass (the database is gone for good); rows that cannot be settled
 * are isolated in `result`. Source: design.md section 4, invariants.md R4, R5, R8. */
[[nodiscard]] std::optional<DatabaseError> settle_page(Connection& connection, const BatchContext& context,
                                                       Page page, TableResult& result);

/// Settles a page of one row and rolls back. Gives why it cannot be settled, or nothing.
[[nodiscard]] std::optional<std::string> rehearse_row(Connection& connection, const BatchContext& context,
                                                      const Page& row);

}  // namespace jobwatchdog
