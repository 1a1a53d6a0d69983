/// `rules check --rehearse`: settling a few stuck rows for real, and rolling back.
#pragma once

#include <vector>

#include "core/rule_lint.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

/// Tries to settle up to ten of the oldest stuck rows, each in a transaction that is rolled back. Triggers
/// and the refund function run; what they do outside the database (mail, HTTP) cannot be rolled back.
[[nodiscard]] std::vector<Finding> rehearse_rule(Connection& connection, const Rule& rule,
                                                 const QualifiedName& table);

}  // namespace jobwatchdog
