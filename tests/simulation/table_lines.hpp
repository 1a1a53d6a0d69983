/// The tables that the life of jobs lives in as lines of text, of the model and of PostgreSQL alike, so that
/// the two can be compared and their difference read.
#pragma once

#include <string>
#include <vector>

#include "native/life/life_store.hpp"
#include "tests/simulation/life_tables.hpp"

namespace jobwatchdog::test {

/// In order. A time is told in milliseconds, what is missing as "-".
[[nodiscard]] std::vector<std::string> lines_of(const Tables& tables);

/// A query that gives the same lines of a database, in any order, in its column `line`.
extern const char* const lines_query;

/// What the calls of a LifeStore told.
[[nodiscard]] std::string words_of(const std::vector<LeasedTask>& tasks);
[[nodiscard]] std::string words_of(const std::vector<AccountToServe>& accounts);
[[nodiscard]] std::string words_of(const TurnOutcome& outcome);

}  // namespace jobwatchdog::test
