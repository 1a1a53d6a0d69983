/// What /rest/v1 serves: tables, columns and functions by name. A request chooses among these words; none of
/// its own text ever stands in SQL. Source: invariants.md S5.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace jobwatchdog {

struct RestColumn {
  std::string_view name;
  std::string_view type;  ///< As PostgreSQL names it, for casts.
};

struct RestTable {
  std::string_view name;
  std::string_view relation;  ///< With its schema.
  std::span<const RestColumn> columns;
};

/// The columns of every jobs table, whichever tool it belongs to.
[[nodiscard]] const RestTable& jobs_table();
/// A table other than the tools' own; nullptr when it is not served.
[[nodiscard]] const RestTable* find_rest_table(std::string_view name);
[[nodiscard]] const RestColumn* find_column(const RestTable& table, std::string_view name);

struct RestFunction {
  std::string_view name;
  std::span<const RestColumn> arguments;
  std::size_t required_count;  ///< The first so many must be given.
  bool gives_rows;             ///< A list of objects; else one value.
};

[[nodiscard]] const RestFunction* find_rest_function(std::string_view name);

}  // namespace jobwatchdog
