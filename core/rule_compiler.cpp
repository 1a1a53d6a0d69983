// A rule compiled to SQL. Every piece of text comes from a rule through quote_identifier() or
// quote_literal().
#include "core/rule_compiler.hpp"

#include "core/rule_text.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

std::string column(const std::string& name) { return "t." + quote_identifier(name); }

/// When the row began to age: one column, or the first that is set.
std::string age_expression(const Rule& rule, const std::string& prefix) {
  std::vector<std::string> columns;
  for (const std::string& name : rule.age_of) columns.push_back(prefix + quote_identifier(name));
  return columns.size() == 1 ? columns.front() : "COALESCE(" + joined(columns) + ")";
}

std::string stuck_statuses(const Rule& rule) {
  std::vector<std::string> literals;
  for (const std::string& status : rule.stuck_in) literals.push_back(quote_literal(status));
  return "(" + joined(literals) + ")";
}

std::string interval(Duration duration) {
  return "interval '" + std::to_string(duration.ms) + " milliseconds'";
}

std::string older_than(const Rule& rule, Duration age) {
  return age_expression(rule, "t.") + " < $1::timestamptz - " + interval(age);
}

/// The guard of reading and, again, of writing: right status, old enough by the one `now` of the pass.
std::string stuck_condition(const Rule& rule) {
  return column(rule.status) + " IN " + stuck_statuses(rule) + "\n  AND " +
         older_than(rule, rule.older_than) + "\n  AND isfinite(" + age_expression(rule, "t.") + ")";
}

std::string rescues_left(const Rule& rule) {
  if (rule.rescues_max == 0) return "";
  return "\n  AND COALESCE(" + column(rule.rescue_count) + ", 0) < " + std::to_string(rule.rescues_max);
}

/// A task at the provider may still run: without the provider's word only the hard deadline lets it be
/// settled.
std::string provider_patience(const Rule& rule, ProviderAccess access) {
  if (!rule.provider) return "";
  const std::string no_task = column(rule.provider->task) + " IS NULL";
  if (access == ProviderAccess::asking) return "\n  AND " + no_task;
  return "\n  AND (" + no_task + " OR " + older_than(rule, rule.provider->hard_deadline) + ")";
}

std::string refund_due(const Refund& refund) {
  return "COALESCE(" + column(refund.charged) + ", false) AND NOT COALESCE(" + column(refund.refunded) +
         ", false) AND COALESCE(" + column(refund.amount) + ", 0) > 0";
}

/// Credits as a whole number. A number beyond all sense (NaN, infinity, more than a bigint holds) is an error
/// while locking, where it isolates its row, and is cut while reading, where it would stop all others.
std::string refund_amount(const Refund& refund, bool is_cut) {
  const std::string amount = "COALESCE(" + column(refund.amount) + ", 0)";
  if (!is_cut) return "ceil(" + amount + ")::bigint";
  return "ceil(LEAST(GREATEST(" + amount + ", -1000000000000000), 1000000000000000))::bigint";
}

std::string facts(const Rule& rule, bool cuts_amounts) {
  const std::string age = age_expression(rule, "t.");
  const auto or_null = [](bool present, const std::string& expression) {
    return present ? expression : std::string{"NULL"};
  };
  const bool money = rule.refund.has_value();
  return "SELECT " + column(rule.key) + "::text AS key, " + column(rule.status) +
         "::text AS status,\n       " + age + "::text AS aged_since, CASE WHEN isfinite(" + age +
         ") THEN floor(extract(epoch FROM " + age + ") * 1000)::bigint END AS aged_since_ms,\n       " +
         or_null(rule.provider.has_value(), rule.provider ? column(rule.provider->task) + "::text" : "") +
         " AS task_id, " +
         or_null(rule.provider.has_value(), rule.provider ? column(rule.provider->account) + "::text" : "") +
         " AS account, " +
         or_null(!rule.rescue_count.empty(), "COALESCE(" + column(rule.rescue_count) + ", 0)::bigint") +
         " AS rescue_count,\n       " + or_null(money, money ? column(rule.refund->charged) : "") +
         " AS charged, " + or_null(money, money ? column(rule.refund->refunded) : "") + " AS refunded, " +
         or_null(money, money ? refund_amount(*rule.refund, cuts_amounts) : "") + " AS refund_amount";
}

std::string from(const QualifiedName& table) { return "\nFROM " + quoted(table) + " AS t"; }

/// The address of a row's result; one that the provider did not name leaves what is there.
std::string output_url(const Rule& rule) { return "($2::jsonb ->> " + column(rule.key) + "::text)"; }

std::string value_of(const Rule& rule, const Assignment& assignment) {
  switch (assignment.kind) {
    case Assignment::Kind::literal: return quote_literal(assignment.text);
    case Assignment::Kind::database_now: return "now()";
    case Assignment::Kind::output_url:
      return "COALESCE(" + output_url(rule) + ", " + column(assignment.column) + ")";
    case Assignment::Kind::null: break;
  }
  return "NULL";
}

std::vector<std::string> set_items(const Rule& rule, const std::vector<Assignment>& assignments) {
  std::vector<std::string> items;
  for (const Assignment& assignment : assignments)
    items.push_back(quote_identifier(assignment.column) + " = " + value_of(rule, assignment));
  return items;
}

std::vector<std::string> failure_items(const Rule& rule) {
  std::vector<std::string> items = set_items(rule, rule.set);
  if (!rule.rescue_count.empty()) {
    items.push_back(quote_identifier(rule.rescue_count) + " = COALESCE(" + column(rule.rescue_count) +
                    ", 0) + 1");
  }
  if (rule.refund) {
    items.push_back(quote_identifier(rule.refund->refunded) + " = CASE WHEN " + refund_due(*rule.refund) +
                    " THEN true ELSE " + column(rule.refund->refunded) + " END");
  }
  return items;
}

/// The literals as the JSON object that a settle function gets.
std::string literals_as_json(const std::vector<Assignment>& assignments) {
  std::vector<std::string> items;
  for (const Assignment& assignment : assignments) {
    if (assignment.kind == Assignment::Kind::literal)
      items.push_back(toml_string(assignment.column) + ": " + toml_string(assignment.text));
  }
  return quote_literal("{" + joined(items) + "}") + "::jsonb";
}

std::string update_statement(const Rule& rule, const QualifiedName& table,
                             const std::vector<std::string>& items) {
  return "UPDATE " + quoted(table) + " AS t\nSET " + joined(items, ",\n    ") + "\nWHERE " +
         column(rule.key) + " = ANY ($1)\nRETURNING " + column(rule.key) + "::text AS key, " +
         column(rule.status) + "::text AS status, 0::bigint AS refunded_amount";
}

std::string settle_statement(const Rule& rule, const QualifiedName& table) {
  if (rule.settle_function) {
    return "SELECT s.key::text AS key, " + quote_literal(settled_status(rule)) +
           " AS status, s.refunded_amount::bigint AS refunded_amount\nFROM " + quoted(*rule.settle_function) +
           "(" + quote_literal(display_name(table)) + ", $1, " + literals_as_json(rule.set) + ") AS s";
  }
  return update_statement(rule, table, failure_items(rule));
}

/// A settle function takes one set for all its keys, and each result has an address of its own: one call a
/// row.
std::string succeed_statement(const Rule& rule, const QualifiedName& table) {
  const std::vector<Assignment> success = success_of(rule);
  if (!rule.settle_function) return update_statement(rule, table, set_items(rule, success));
  std::string set = literals_as_json(success);
  for (const Assignment& assignment : success) {
    if (assignment.kind == Assignment::Kind::output_url)
      set += " || jsonb_build_object(" + quote_literal(assignment.column) + ", " + output_url(rule) + ")";
  }
  return "SELECT s.key::text AS key, " + quote_literal(status_in(success, rule)) +
         " AS status, s.refunded_amount::bigint AS refunded_amount" + from(table) + "\nCROSS JOIN LATERAL " +
         quoted(*rule.settle_function) + "(" + quote_literal(display_name(table)) + ", ARRAY[" +
         column(rule.key) + "], " + set + ") AS s\nWHERE " + column(rule.key) + " = ANY ($1)";
}

/// In the order of the users, so that two sweeps that pay the same users lock their balances in one order.
std::string refund_statement(const Rule& rule, const QualifiedName& table) {
  if (!rule.refund || !rule.refund->function) return "";
  const Refund& refund = *rule.refund;
  return "WITH due AS MATERIALIZED (\n  SELECT " + column(rule.key) + " AS key, " + column(refund.user) +
         " AS user_key, " + column(refund.amount) + " AS amount\n  FROM " + quoted(table) +
         " AS t\n  WHERE " + column(rule.key) + " = ANY ($1)\n  ORDER BY " + column(refund.user) + ", " +
         column(rule.key) +
         ")\nSELECT due.key::text AS key, CASE WHEN pg_typeof(r) = 'void'::regtype THEN 'true' ELSE to_jsonb(r) END AS result\nFROM due CROSS JOIN LATERAL " +
         quoted(*refund.function) + "(due.user_key, due.amount, " + quote_literal(refund.description) +
         ") AS r";
}

std::string exhausted_statement(const Rule& rule, const QualifiedName& table) {
  if (rule.rescues_max == 0) return "";
  return "SELECT " + column(rule.key) + "::text AS key, count(*) OVER () AS total" + from(table) +
         "\nWHERE " + stuck_condition(rule) + "\n  AND COALESCE(" + column(rule.rescue_count) +
         ", 0) >= " + std::to_string(rule.rescues_max) + "\nORDER BY " + age_expression(rule, "t.") +
         " LIMIT 100";
}

/// What is stuck, by whether it needs the provider's word first.
std::string rest_statement(const Rule& rule, const QualifiedName& table, const std::string& stuck,
                           ProviderAccess access) {
  std::string waits = "false";
  if (rule.provider) waits = column(rule.provider->task) + " IS NOT NULL";
  if (rule.provider && access == ProviderAccess::none)
    waits += " AND NOT (" + older_than(rule, rule.provider->hard_deadline) + ")";
  return "SELECT count(*) FILTER (WHERE NOT (" + waits + ")) AS settleable,\n       count(*) FILTER (WHERE " +
         waits + ") AS waiting,\n       floor(extract(epoch FROM min(" + age_expression(rule, "t.") +
         ")) * 1000)::bigint AS aged_since_ms" + from(table) + stuck;
}

}  // namespace

CompiledRule compile_rule(const Rule& rule, const QualifiedName& table, ProviderAccess access) {
  const std::string age = age_expression(rule, "t.");
  const std::string key = column(rule.key);
  const std::string stuck = "\nWHERE " + stuck_condition(rule) + rescues_left(rule);
  const std::string next_page = "\n  AND ($2::timestamptz IS NULL OR (" + age + ", " + key +
                                ") > ($2::timestamptz, $3))\nORDER BY " + age + ", " + key +
                                "\nLIMIT $4::bigint";
  const std::string locked = "\nFOR UPDATE SKIP LOCKED";
  CompiledRule compiled;
  const std::string patience = provider_patience(rule, access);
  const std::string among_keys = "\n  AND " + key + " = ANY ($2)\n  AND " + age +
                                 " BETWEEN $3::timestamptz AND $4::timestamptz\nORDER BY " + key + locked;
  compiled.take = facts(rule, false) + from(table) + stuck + patience + next_page + locked;
  compiled.find = facts(rule, true) + from(table) + stuck + next_page;
  compiled.find_one = facts(rule, true) + from(table) + "\nWHERE " + key + " = $1";
  compiled.rest = rest_statement(rule, table, stuck, access);
  compiled.lock = facts(rule, false) + from(table) + stuck + patience + among_keys;
  if (rule.provider) {
    compiled.suspects = facts(rule, true) + from(table) + stuck + "\n  AND " + column(rule.provider->task) +
                        " IS NOT NULL" + next_page;
    compiled.lock_suspects = facts(rule, false) + from(table) + stuck + among_keys;
    compiled.succeed = succeed_statement(rule, table);
  }
  compiled.settle = settle_statement(rule, table);
  compiled.refund = refund_statement(rule, table);
  compiled.exhausted = exhausted_statement(rule, table);
  const std::string indexed_age =
      rule.age_of.size() == 1 ? age_expression(rule, "") : "(" + age_expression(rule, "") + ")";
  compiled.suggested_index = "CREATE INDEX CONCURRENTLY ON " + quoted(table) + " (" + indexed_age + ", " +
                             quote_identifier(rule.key) + ") WHERE " + quote_identifier(rule.status) +
                             " IN " + stuck_statuses(rule);
  return compiled;
}

std::vector<Law> compile_laws(const Rule& rule, const QualifiedName& table) {
  std::vector<Law> laws;
  const std::string record = "SELECT " + column(rule.key) + "::text AS record, ";
  if (rule.rescues_max > 0) {
    const std::string count = column(rule.rescue_count);
    laws.push_back({"a row is rescued at most " + std::to_string(rule.rescues_max) + " times",
                    record + "'rescued ' || " + count + " AS detail" + from(table) + "\nWHERE " + count +
                        " > " + std::to_string(rule.rescues_max)});
  }
  if (!rule.refund || !rule.refund->function) return laws;
  const Refund& refund = *rule.refund;
  const std::string select = record + column(rule.status) + "::text || ', amount ' || COALESCE(" +
                             column(refund.amount) + "::text, 'unknown') AS detail" + from(table) +
                             "\nWHERE ";
  const std::string charged = "COALESCE(" + column(refund.charged) + ", false)";
  const std::string refunded = "COALESCE(" + column(refund.refunded) + ", false)";
  laws.push_back({"a charged row that became \"" + settled_status(rule) + "\" is refunded",
                  select + column(rule.status) + " = " + quote_literal(settled_status(rule)) + " AND " +
                      refund_due(refund)});
  laws.push_back({"only a charged row is refunded", select + refunded + " AND NOT " + charged});
  laws.push_back({"a row in work is not refunded",
                  select + refunded + " AND " + column(rule.status) + " IN " + stuck_statuses(rule)});
  return laws;
}

std::string compiled_rule_text(const Rule& rule, const QualifiedName& table) {
  const CompiledRule compiled = compile_rule(rule, table);
  std::string out = "-- Rule " + single_line(rule.name + " on " + display_name(table)) + "\n";
  const auto section = [&out](const char* comment, const std::string& sql) {
    if (!sql.empty()) out += "\n-- " + std::string{comment} + "\n" + sql + ";\n";
  };
  section(
      "take: $1 now, $2 and $3 the last row of the page before, $4 page size; rows that others hold are left to them",
      compiled.take);
  section("find, for a dry run and for a page that made trouble: parameters as above", compiled.find);
  section(
      "lock, for such a page: $1 now, $2 keys of the page, $3 and $4 its least and greatest age column; the guards are checked again",
      compiled.lock);
  section("settle: $1 the locked keys, same transaction", compiled.settle);
  section("refund: $1 the settled keys that were charged and not yet refunded, same transaction",
          compiled.refund);
  section("suspects, when the provider can be asked: parameters as take", compiled.suspects);
  section("asked: suspects that it was asked about, locked; parameters as lock", compiled.lock_suspects);
  section("succeed: $1 the locked keys of finished tasks, $2 {key: address of its result}", compiled.succeed);
  section("rest: $1 now; what is left behind", compiled.rest);
  section("exhausted: $1 now; reported, never touched", compiled.exhausted);
  section("an index that keeps finding quick, if the table is large", compiled.suggested_index);
  return out;
}

}  // namespace jobwatchdog
