/// A rule compiled to SQL: static text, every name and value quoted, only times and keys as parameters.
///
/// The same text is run by `sweep`, printed by `rules show --sql` and held against golden files. A pass over
/// one table is: take a page of rows that need nobody's word, locked as they are read -> settle them ->
/// refund them. A page that makes trouble is looked at more closely: find it (no lock) -> lock the rows by
/// their keys, fewer and fewer -> settle -> refund. Rows with a task at a provider that can be asked have a
/// pass of their own: suspects (no lock) -> ask -> lock them by their keys -> succeed, or settle and refund.
#pragma once

#include <string>
#include <vector>

#include "core/rule.hpp"

namespace jobwatchdog {

/// The statements for one table of a rule. Parameters are PostgreSQL's $1, $2, ..., untyped unless cast.
struct CompiledRule {
  /// $1 now, $2 and $3 the last row of the page before (its aged_since and key; NULL at first), $4 page size.
  /// Gives FACTS: key, status, aged_since, aged_since_ms, task_id, account, rescue_count, charged, refunded,
  /// refund_amount.
  std::string find;
  /// Parameters as `find`. FACTS of the next rows that need nobody's word and nobody else holds, locked.
  std::string take;
  std::string find_one;  ///< $1 key. FACTS of that row, whatever its state.
  /// $1 now. What is stuck: settleable (rows that `take` would give, held or not), waiting (for the
  /// provider's word), aged_since_ms of the oldest.
  std::string rest;
  /// $1 now, $2 array of keys, $3 and $4 the least and the greatest of their ages. FACTS of those rows that
  /// still match and nobody else holds, locked, in key order.
  std::string lock;
  std::string
      settle;  ///< $1 array of keys. Gives key, status (as stored), refunded_amount (settle functions only).
  std::string
      refund;  ///< $1 array of keys. Gives key, result (jsonb) of the refund function; "" without one.
  /// Parameters as `find`. FACTS of stuck rows that have a task at the provider; "" without a provider.
  std::string suspects;
  /// Parameters as `lock`, for rows that the provider was asked about; "" without a provider.
  std::string lock_suspects;
  /// $1 array of keys, $2 JSON object {key: address of its result}. Gives key, status, refunded_amount (0).
  std::string succeed;
  std::string exhausted;  ///< $1 now. Gives key, total of rows whose rescues are used up; "" without a cap.
  std::string suggested_index;  ///< CREATE INDEX CONCURRENTLY ... that serves `find`.
};

/// Whether a pass can ask the rule's provider.
enum class ProviderAccess {
  none,    ///< `take` settles a row with a task without the provider's word, at its hard deadline.
  asking,  ///< `take` leaves every row with a task to the pass over the suspects.
};

/// Compiles `rule` for one of its tables. The rule must be valid (validate_rule gives nothing).
/** Source: design.md section 4; invariants.md R4, R5, R9, R11 (guards, order, keyset paging). */
[[nodiscard]] CompiledRule compile_rule(const Rule& rule, const QualifiedName& table,
                                        ProviderAccess access = ProviderAccess::none);

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
