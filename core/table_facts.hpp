/// What the database says of a table and of a rule's SQL on it: the facts that the lint and `adopt` judge.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/sql_text.hpp"

namespace jobwatchdog {

struct ColumnFacts {
  std::string name;
  std::string type;                      ///< As format_type() prints it: "timestamp with time zone".
  std::vector<std::string> enum_labels;  ///< Of an enum type, in its order; else empty.
  bool is_generated{false};
};

struct TriggerFacts {
  std::string name;
  std::string function;             ///< Schema and name.
  std::vector<std::string> raises;  ///< Messages of RAISE EXCEPTION found in its source.
  std::vector<std::string>
      settings;  ///< Names that its source reads by current_setting(); "role" for current_user.
};

/// One statement of a compiled rule that the database would not even plan.
struct StatementError {
  std::string statement;  ///< "find", "settle", "refund", ...
  std::string sqlstate;
  std::string message;
};

struct TableFacts {
  QualifiedName table;
  bool exists{false};
  char kind{'r'};                  ///< pg_class.relkind: r table, p partitioned, v view, ...
  std::int64_t estimated_rows{0};  ///< By the planner's statistics; 0 when never analysed.
  std::vector<ColumnFacts> columns;
  std::vector<std::string> unique_columns;  ///< Columns that alone carry a whole unique index.
  bool hides_rows{false};                   ///< Row level security applies to the connected role.
  std::string role;                         ///< The connected role, for words about rights.
  bool may_select{true};
  bool may_update{true};  ///< The table, or at least one of its columns.

  // Filled by `rules check` only:
  std::optional<bool> find_uses_index;
  std::vector<TriggerFacts> triggers;  ///< Those that fire on UPDATE.
  std::vector<StatementError> statement_errors;
  std::vector<std::string>
      refund_candidates;             ///< Signatures of functions that bear the refund function's name.
  std::int64_t rows_without_age{0};  ///< Rows in a stuck status whose age column is NULL.
};

/// The column of that name, or null.
[[nodiscard]] inline const ColumnFacts* find_column(const TableFacts& facts, const std::string& name) {
  for (const ColumnFacts& column : facts.columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

}  // namespace jobwatchdog
