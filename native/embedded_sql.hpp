/// The text of sql/, carried inside the binary.
#pragma once

#include <span>
#include <string_view>

namespace jobwatchdog {

struct SqlFile {
  std::string_view name;  ///< Without ".sql": "0001_watch_history".
  std::string_view text;
};

[[nodiscard]] std::span<const SqlFile> embedded_migrations();  ///< sql/migrations, in order.
[[nodiscard]] std::span<const SqlFile> embedded_functions();   ///< sql/functions, in order of their names.
[[nodiscard]] std::string_view embedded_migration_table();     ///< sql/migration_table.sql
[[nodiscard]] std::string_view embedded_audit();               ///< sql/audit.sql, the laws.
[[nodiscard]] std::string_view embedded_schema();              ///< sql/schema.sql, the snapshot.

}  // namespace jobwatchdog
