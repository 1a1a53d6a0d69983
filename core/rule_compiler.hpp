/// A rule compiled to SQL: static text, every name and value quoted, only times and keys as parameters.
///
/// The same text is run by `sweep`, printed by `rules show --sql` and held against golden files. A pass over
/// one table is: find a page of suspects (no lock) -> lock those that still match -> settle them -> refund
/// them.
#pragma once

#include <string>
#include <vector>

#include "core/rule.hpp"

namespace jobwatchdog {

/// The statements for one table of a rule. Parameters are PostgreSQL's $1, $2, ..., untyped unless cast.
struct CompiledRule {
  /// $1 now, $2 and $3 the last row of the page before (its aged_since and key; NULL at first), $4 page size.
  /// Gives FACTS: key, status, aged_since, aged_since_ms, task_id, rescue_count, charged, refunded,
  /// refund_amount.
  std::string find;
  std::string find_one;  ///< $1 key. FACTS of that row, whatever its state.
  std::string count;     ///< $1 now. Number of rows that `find` would give, page by page.
  /// $1 now, $2 array of keys. FACTS of those rows that still match and nobody else holds, locked, in key
  /// order.
  std::string lock;
  std::string
      settle;  ///< $1 array of keys. Gives key, status (as stored), refunded_amount (settle functions only).
  std::string
      refund;  ///< $1 array of keys. Gives key, result (jsonb) of the refund function; "" without one.
  std::string exhausted;  ///< $1 now. Gives key, total of rows whose rescues are used up; "" without a cap.
  std::string suggested_index;  ///< CREATE INDEX CONCURRENTLY ... that serves `find`.
};

/// Compiles `rule` for one of its tables. The rule must be valid (validate_rule gives nothing).
/** Source: design.md section 4; invariants.md R4, R5, R9, R11 (guards, order, keyset paging). */
[[nodiscard]] CompiledRule compile_rule(const Rule& rule, const QualifiedName& table);

/// A law over a table and the query that gives its violations as (record, detail).
struct Law {
  std::string law;
  std::string sql;
};

/// What a rule's columns allow to prove of one of its tables: the money laws, where the rule refunds by a
/// function.
/** They judge every row of the table, also those that others settled. Source: design.md section 6 (audit). */
[[nodiscard]] std::vector<Law> compile_laws(const Rule& rule, const QualifiedName& table);

/// The compiled statements as one readable script with comments, for `rules show --sql`.
[[nodiscard]] std::string compiled_rule_text(const Rule& rule, const QualifiedName& table);

}  // namespace jobwatchdog
