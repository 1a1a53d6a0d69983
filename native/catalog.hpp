/// Reading the catalog: the facts that the lint and `adopt` judge.
#pragma once

#include <string>
#include <vector>

#include "core/rule.hpp"
#include "core/rule_proposal.hpp"
#include "core/table_facts.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

/// Shape of all `tables` in one round trip, in the same order; a table that is not there has exists = false.
[[nodiscard]] DatabaseResult<std::vector<TableFacts>> load_table_shapes(
    Connection& connection, const std::vector<QualifiedName>& tables);

/// Names of the tables that the role can see outside the system schemas, for "did you mean".
[[nodiscard]] DatabaseResult<std::vector<std::string>> load_table_names(Connection& connection);

/// Adds what only `rules check` needs: plans, planning errors, triggers, refund candidates, rows without an
/// age.
[[nodiscard]] std::optional<DatabaseError> add_behaviour(Connection& connection, const Rule& rule,
                                                         TableFacts& facts);

/// Everything that `adopt` weighs: user tables with a status-like column and the values known for it.
[[nodiscard]] DatabaseResult<std::vector<TableProfile>> load_table_profiles(Connection& connection);
[[nodiscard]] DatabaseResult<std::vector<FunctionProfile>> load_refund_functions(Connection& connection);

}  // namespace jobwatchdog
