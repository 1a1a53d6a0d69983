/// The history that sweeps leave in the schema `watchdog`: runs, isolated rows. Without the schema: nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "native/database.hpp"
#include "native/migrations.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

/// Where history goes in this database, as far as it exists and the role may write it.
class History {
 public:
  /// Looks what is there and what of it this role may write; says which right is missing.
  static History open(Connection& connection, const SchemaState& schema);

  /// Quoted name of the audit table, or "" when there is none to write.
  [[nodiscard]] const std::string& audit_table() const { return audit_table_; }
  [[nodiscard]] const std::string& actor() const { return actor_; }

  /// A row `running` that stays when the sweep is killed. Failures are logged: history never stops a sweep.
  void begin_run(Connection& connection);
  void end_run(Connection& connection, const SweepResult& result, const std::function<bool()>& must_stop);

  /// Remembers the rows that were isolated; forgets those of this rule and table that no longer are, after a
  /// whole pass.
  void record_isolated(Connection& connection, const std::string& rule, const TableResult& table,
                       bool pass_is_whole, const std::function<bool()>& must_stop);

 private:
  bool writable_{false};
  std::string audit_table_;
  std::string actor_;
  std::optional<std::string> run_id_;
};

}  // namespace jobwatchdog
