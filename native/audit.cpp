// The audit: every law in one REPEATABLE READ READ ONLY transaction.
#include "native/audit.hpp"

#include "core/rule_compiler.hpp"
#include "native/embedded_sql.hpp"

namespace jobwatchdog {
namespace {

struct ScopedLaw {
  std::string scope;
  Law law;
};

/// The laws of sql/audit.sql: each begins with "--! law: WORDS" and ends with the next one.
std::vector<ScopedLaw> managed_laws() {
  constexpr std::string_view opening = "--! law: ";
  const std::string_view text = embedded_audit();
  std::vector<ScopedLaw> laws;
  for (std::size_t at = text.find(opening); at != std::string_view::npos;) {
    const std::size_t line_end = text.find('\n', at);
    const std::size_t next = text.find(opening, line_end);
    const std::size_t words_from = at + opening.size();
    std::string sql{text.substr(line_end + 1, next - line_end - 1)};
    sql.erase(sql.find_last_of(';'));
    laws.push_back(
        {"managed schema", {std::string{text.substr(words_from, line_end - words_from)}, std::move(sql)}});
    at = next;
  }
  return laws;
}

std::vector<ScopedLaw> watched_laws(const std::vector<Rule>& rules) {
  std::vector<ScopedLaw> laws;
  for (const Rule& rule : rules) {
    for (const QualifiedName& table : rule.tables) {
      for (Law& law : compile_laws(rule, table)) laws.push_back({display_name(table), std::move(law)});
    }
  }
  return laws;
}

}  // namespace

DatabaseResult<std::vector<AuditedLaw>> run_laws(Connection& connection, bool has_managed,
                                                 const std::vector<Rule>& rules) {
  std::vector<ScopedLaw> laws = watched_laws(rules);
  if (has_managed) {
    for (ScopedLaw& law : managed_laws()) laws.push_back(std::move(law));
  }
  DatabaseResult<Transaction> transaction =
      connection.begin({.read_only = true, .one_snapshot = true, .statement_timeout = minutes(10)});
  if (!transaction.ok()) return transaction.error();
  std::vector<AuditedLaw> audited;
  for (const ScopedLaw& scoped : laws) {
    const DatabaseResult<Rows> rows =
        transaction.value().query("SELECT record, detail FROM (" + scoped.law.sql + ") AS violation LIMIT " +
                                  std::to_string(AuditedLaw::violations_kept_max + 1));
    if (!rows.ok()) return rows.error();
    AuditedLaw result{scoped.scope, scoped.law.law, static_cast<std::int64_t>(rows.value().size()), {}};
    for (std::size_t i = 0; i < rows.value().size() && i < AuditedLaw::violations_kept_max; ++i) {
      result.violations.push_back({rows.value().text(i, "record"), rows.value().text(i, "detail")});
    }
    audited.push_back(std::move(result));
  }
  return audited;
}

}  // namespace jobwatchdog
