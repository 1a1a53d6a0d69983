/// What makes a rule usable, as far as the rule alone can tell; `rule_lint.hpp` asks the database's tables.
#pragma once

#include <vector>

#include "core/problem.hpp"
#include "core/rule.hpp"

namespace jobwatchdog {

/// Every defect of one rule, in the order of its fields; empty when there is none.
/** `where` of a problem is the field's name in jobwatchdog.toml ("set", "refund.user"), so that a caller that
 *  knows the file can tell line and column.
 *  Source: design.md section 4.
 */
[[nodiscard]] std::vector<Problem> validate_rule(const Rule& rule);

/// Defects between rules: two of one name. `where` is "name".
[[nodiscard]] std::vector<Problem> validate_rule_names(const std::vector<Rule>& rules);

}  // namespace jobwatchdog
