/// Whether a rule fits the tables that are really there, told in words with the cure.
#pragma once

#include <string>
#include <vector>

#include "core/problem.hpp"
#include "core/rule.hpp"
#include "core/table_facts.hpp"

namespace jobwatchdog {

enum class FindingLevel {
  error,    ///< The rule cannot work on this table: `sweep` skips it.
  warning,  ///< It works, but slower, blind or with refusals.
  note,     ///< Worth knowing.
};

struct Finding {
  FindingLevel level{FindingLevel::note};
  Problem problem;
};

/// Judges what the catalog alone tells: table, columns, types, key. Cheap; `sweep` asks it before each pass.
/** `known_tables` are names for "did you mean". Source: design.md section 4 (timestamptz only; refused
 * otherwise). */
[[nodiscard]] std::vector<Finding> lint_shape(const Rule& rule, const TableFacts& facts,
                                              const std::vector<std::string>& known_tables);

/// Judges the rest, for `rules check`: planning errors, index, triggers, rights, rows that no rule can judge.
[[nodiscard]] std::vector<Finding> lint_behaviour(const Rule& rule, const TableFacts& facts);

}  // namespace jobwatchdog
