/// The life of jobs in a real PostgreSQL, by the functions of sql/ and through the store of native/, at times
/// that a test sets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "native/life/life_store.hpp"
#include "tests/simulation/life_tables.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {

/// A SQL literal.
inline std::string sql_text(const MaybeText& text) { return text ? "'" + *text + "'" : "NULL"; }

class RealLife {
 public:
  RealLife();

  /// The tables as a model has them at its beginning: tools, accounts, slots, balances; no job.
  void begin(const Tables& tables, Instant now);
  void set_clock(Instant now);
  [[nodiscard]] LifeStore& store(const std::string& owner);
  /// The first cell of the answer; "" for NULL.
  [[nodiscard]] std::string value(const std::string& sql) { return database_.value(sql); }
  void exec(const std::string& sql) { database_.exec(sql); }
  /// See lines_of().
  [[nodiscard]] std::vector<std::string> lines();

 private:
  Database database_;
  Connection connection_;
  std::map<std::string, SqlLifeStore> stores_;
};

}  // namespace jobwatchdog::test
