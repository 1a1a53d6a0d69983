// Settling a few stuck rows and rolling back.
#include "native/rehearsal.hpp"

#include "core/rule_compiler.hpp"
#include "native/settle_batch.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* rows_tried_max = "10";

Finding finding(FindingLevel level, const QualifiedName& table, const std::string& what,
                const std::string& mend) {
  return {level, {display_name(table) + " (rehearsal)", what, mend}};
}

}  // namespace

std::vector<Finding> rehearse_rule(Connection& connection, const Rule& rule, const QualifiedName& table) {
  const CompiledRule compiled = compile_rule(rule, table);
  const DatabaseResult<DatabaseNow> clock = database_now(connection);
  if (!clock.ok()) return {finding(FindingLevel::error, table, error_text(clock.error()), "")};
  const std::string& now_text = clock.value().text;
  const DatabaseResult<Rows> found =
      connection.query(compiled.find, {now_text, std::nullopt, std::nullopt, Text{rows_tried_max}},
                       {.read_only = true, .statement_timeout = reading_timeout});
  if (!found.ok()) return {finding(FindingLevel::error, table, error_text(found.error()), "")};
  if (found.value().size() == 0)
    return {finding(FindingLevel::note, table, "nothing is stuck now, so nothing could be tried", "")};
  const BatchContext context{rule, table, compiled, clock.value().instant, now_text, {}, "", "", {}};
  std::vector<Finding> findings;
  for (std::size_t i = 0; i < found.value().size(); ++i) {
    const std::string key = found.value().text(i, "key");
    const std::string aged_since = found.value().text(i, "aged_since");
    if (const auto refusal = rehearse_row(connection, context, {{key}, aged_since, aged_since})) {
      findings.push_back(finding(FindingLevel::warning, table,
                                 "row " + key + " cannot be settled: " + *refusal,
                                 "such rows are isolated and reported, the others are settled"));
    }
  }
  if (findings.empty())
    findings.push_back(finding(
        FindingLevel::note, table,
        "the " + std::to_string(found.value().size()) + " oldest stuck rows can be settled (rolled back)",
        ""));
  return findings;
}

}  // namespace jobwatchdog
