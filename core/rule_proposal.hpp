/// `adopt`: rules proposed from what a database looks like. Words are weighed, nothing is read or written
/// here.
#pragma once

#include <string>
#include <vector>

#include "core/rule.hpp"
#include "core/table_facts.hpp"

namespace jobwatchdog {

/// A column that could be a status, with the values that are known for it (sample, enum labels, CHECK
/// constraint).
struct StatusCandidate {
  std::string column;
  std::vector<std::string> values;
};

struct TableProfile {
  TableFacts facts;
  std::vector<StatusCandidate> status_candidates;
};

/// A function that may pay credits back: three plain input arguments.
struct FunctionProfile {
  QualifiedName name;
  std::vector<std::string> argument_types;
};

/// A proposed rule, or why a table that looks like jobs got none. `remarks` are for the reader of the file.
struct Proposal {
  QualifiedName table;
  std::optional<Rule> rule;
  std::vector<std::string> remarks;
};

/// Proposes rules for the tables that look like jobs; others are left out. Tables of one shape share a rule.
/** Understands English and Portuguese words. Source: design.md section 6 (adopt), README "On your own
 * tables". */
[[nodiscard]] std::vector<Proposal> propose_rules(const std::vector<TableProfile>& tables,
                                                  const std::vector<FunctionProfile>& functions);

/// The proposals as the text of a jobwatchdog.toml.
[[nodiscard]] std::string proposals_as_toml(const std::vector<Proposal>& proposals);

/// A word without case, accents and separators: "Em Análise" -> "em_analise". For comparing, never for SQL.
[[nodiscard]] std::string plain_word(std::string_view text);

}  // namespace jobwatchdog
