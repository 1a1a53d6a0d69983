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

/// Every table that a law may read: those of the schema, and those of the rules.
constexpr const char* hiding_tables_sql = R"sql(
SELECT string_agg(c.oid::regclass::text, ', ' ORDER BY c.oid::regclass::text) AS names
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relrowsecurity AND c.relkind IN ('r', 'p') AND row_security_active(c.oid)
   AND (n.nspname || '.' || c.relname = ANY ($1)
        -- Our own policies let the owner itself see every row, also where they are forced.
        OR ($2 AND c.relname = ANY (ARRAY['ai_jobs', 'upscaler_credits', 'credit_ledger', 'active_jobs', 'provider_slots', 'audit_log',
                                           'tools', 'submissions', 'orphan_tasks'])
            AND n.nspname IN ('public', 'watchdog') AND pg_get_userbyid(c.relowner) <> current_user)))sql";

/// A law over rows that row level security hides would hold, or accuse, for nothing.
std::optional<DatabaseError> refuse_hidden_rows(Transaction& transaction, bool has_managed,
                                                const std::vector<Rule>& rules) {
  std::vector<std::string> watched;
  for (const Rule& rule : rules) {
    for (const QualifiedName& table : rule.tables) {
      if (!compile_laws(rule, table).empty()) watched.push_back(table.schema + "." + table.name);
    }
  }
  const DatabaseResult<Rows> rows =
      transaction.query(hiding_tables_sql, {array_literal(watched), has_managed ? "true" : "false"});
  if (!rows.ok()) return rows.error();
  const Text& names = rows.value().at(0, "names");
  if (!names) return std::nullopt;
  return DatabaseError{
      DatabaseError::Kind::refused, "42501",
      "row level security may hide rows of " + *names + " from this role, so nothing would be proved", ""};
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
  if (auto error = refuse_hidden_rows(transaction.value(), has_managed, rules)) return *error;
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
