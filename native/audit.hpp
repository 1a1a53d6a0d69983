/// The audit: laws as SQL over the whole database, all on one snapshot. It proves or accuses, and never
/// repairs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/rule.hpp"
#include "native/database.hpp"

namespace jobwatchdog {

struct Violation {
  std::string record;
  std::string detail;
};

struct AuditedLaw {
  static constexpr std::size_t violations_kept_max = 1'000;

  std::string scope;  ///< "managed schema", or a watched table.
  std::string law;
  std::int64_t violation_count{0};  ///< At most one more than are kept.
  std::vector<Violation> violations;
};

/// Runs the laws of sql/audit.sql when the managed schema is there, and those that the rules' columns allow.
/** Errors: the first query that cannot be run; rows that row level security may hide from this role (42501).
 * Source: design.md section 6, invariants.md sections 1 and 4.8.
 */
[[nodiscard]] DatabaseResult<std::vector<AuditedLaw>> run_laws(Connection& connection, bool has_managed,
                                                               const std::vector<Rule>& rules);

}  // namespace jobwatchdog
