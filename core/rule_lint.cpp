// Whether a rule fits the tables that are really there.
#include "core/rule_lint.hpp"

#include <algorithm>

#include "core/rule_compiler.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

using Findings = std::vector<Finding>;

constexpr std::int64_t large_table_rows = 10'000;  // Below this a sequential scan is quick anyway.

void add(Findings& findings, FindingLevel level, std::string where, std::string what, std::string mend) {
  findings.push_back({level, {std::move(where), std::move(what), std::move(mend)}});
}

bool contains(const std::vector<std::string>& list, const std::string& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool is_integer(const std::string& type) {
  return type == "integer" || type == "bigint" || type == "smallint";
}

void lint_columns(const Rule& rule, const TableFacts& facts, Findings& findings) {
  std::vector<std::string> names;
  for (const ColumnFacts& column : facts.columns) names.push_back(column.name);
  for (const std::string& name : columns_of(rule)) {
    if (find_column(facts, name) != nullptr) continue;
    const bool is_default = rule.provider && rule.provider->succeeded.empty() && name == "output_url";
    add(findings, FindingLevel::error, display_name(facts.table), "there is no column \"" + name + "\"",
        is_default
            ? "the provider's result would go there: say what a finished row becomes, such as succeeded = { " +
                  rule.status + " = \"completed\" }"
            : suggestion(name, names));
  }
}

void lint_age(const Rule& rule, const TableFacts& facts, Findings& findings) {
  for (const std::string& name : rule.age_of) {
    const ColumnFacts* column = find_column(facts, name);
    if (column == nullptr || column->type == "timestamp with time zone") continue;
    const std::string where = display_name(facts.table) + "." + name;
    if (column->type.rfind("timestamp", 0) == 0) {
      add(findings, FindingLevel::error, where,
          "is \"timestamp without time zone\": it does not say which instant it means, so an age by it can be hours wrong",
          "ALTER TABLE " + quoted(facts.table) + " ALTER COLUMN " + quote_identifier(name) +
              " TYPE timestamptz USING " + quote_identifier(name) +
              " AT TIME ZONE 'UTC' (with the zone that your application wrote in)");
    } else {
      add(findings, FindingLevel::error, where,
          "has the type " + column->type + ", and an age needs timestamptz",
          "name a timestamptz column in age_of");
    }
  }
}

void lint_type(const TableFacts& facts, const std::string& name, const char* field,
               bool (*fits)(const std::string&), const char* wanted, Findings& findings) {
  const ColumnFacts* column = find_column(facts, name);
  if (column == nullptr || fits(column->type)) return;
  add(findings, FindingLevel::error, display_name(facts.table) + "." + name,
      "has the type " + column->type + ", and " + field + " needs " + wanted,
      std::string{"name another column in "} + field);
}

void lint_types(const Rule& rule, const TableFacts& facts, Findings& findings) {
  const auto is_boolean = [](const std::string& type) { return type == "boolean"; };
  const auto is_number = [](const std::string& type) {
    return is_integer(type) || type.rfind("numeric", 0) == 0;
  };
  if (rule.refund) {
    lint_type(facts, rule.refund->charged, "refund.charged", is_boolean, "boolean", findings);
    lint_type(facts, rule.refund->refunded, "refund.refunded", is_boolean, "boolean", findings);
    lint_type(facts, rule.refund->amount, "refund.amount", is_number, "a whole number", findings);
  }
  if (!rule.rescue_count.empty())
    lint_type(facts, rule.rescue_count, "rescue_count", is_integer, "an integer", findings);
}

void lint_statuses(const Rule& rule, const TableFacts& facts, Findings& findings) {
  const ColumnFacts* column = find_column(facts, rule.status);
  if (column == nullptr || column->enum_labels.empty()) return;
  std::vector<std::string> used = rule.stuck_in;
  used.push_back(settled_status(rule));
  for (const std::string& status : used) {
    if (contains(column->enum_labels, status)) continue;
    add(findings, FindingLevel::error, display_name(facts.table) + "." + rule.status,
        "\"" + status + "\" is not a value of the enum " + column->type,
        suggestion(status, column->enum_labels));
  }
}

void lint_key(const Rule& rule, const TableFacts& facts, Findings& findings) {
  if (find_column(facts, rule.key) == nullptr || contains(facts.unique_columns, rule.key)) return;
  add(findings, FindingLevel::error, display_name(facts.table) + "." + rule.key,
      "is not unique by itself, so two rows could be taken for one",
      facts.unique_columns.empty() ? "give the table a primary key of one column"
                                   : "name a unique column in key: " + joined(facts.unique_columns));
}

std::string grant_hint(const Rule& rule, const TableFacts& facts, const std::string& statement) {
  const std::string role = facts.role.empty() ? "the connected role" : quote_identifier(facts.role);
  if (statement == "refund" && rule.refund && rule.refund->function) {
    return "GRANT EXECUTE ON FUNCTION " + quoted(*rule.refund->function) + " TO " + role +
           " (and what the function itself needs)";
  }
  if ((statement == "settle" || statement == "succeed") && rule.settle_function)
    return "GRANT EXECUTE ON FUNCTION " + quoted(*rule.settle_function) + " TO " + role;
  return "GRANT USAGE ON SCHEMA " + quote_identifier(facts.table.schema) + " TO " + role +
         "; GRANT SELECT, UPDATE ON " + quoted(facts.table) + " TO " + role;
}

void lint_statement_errors(const Rule& rule, const TableFacts& facts, Findings& findings) {
  for (const StatementError& error : facts.statement_errors) {
    const std::string where = display_name(facts.table) + " (" + error.statement + ")";
    std::string mend = "see the statement: jobwatchdog rules show " + rule.name + " --sql";
    if (error.sqlstate == "42501") mend = grant_hint(rule, facts, error.statement);
    if (error.sqlstate == "42883" && error.statement == "refund") {
      mend = "it is called as f(user, amount, description) with the columns' own types; " +
             (facts.refund_candidates.empty() ? "no function of that name exists"
                                              : "there is: " + joined(facts.refund_candidates, "; "));
    }
    if (error.sqlstate == "22P02" || error.sqlstate == "22007")
      mend = "a value in stuck_in or set does not fit its column's type";
    add(findings, FindingLevel::error, where, error.message, mend);
  }
}

void lint_triggers(const TableFacts& facts, Findings& findings) {
  for (const TriggerFacts& trigger : facts.triggers) {
    const std::string where = display_name(facts.table) + ", trigger " + trigger.name;
    const bool is_ours =
        trigger.function.rfind("watchdog.", 0) == 0;  // It refuses only what the sweep never does.
    if (is_ours || trigger.raises.empty()) continue;
    std::string mend = "rows that it refuses are isolated and reported, the others are settled";
    if (!trigger.settings.empty()) {
      mend += "; it looks at " + joined(trigger.settings) +
              ": set them in [database] (role, settings) if that lets the sweep pass";
    }
    add(findings, FindingLevel::warning, where, "may refuse an update: " + joined(trigger.raises, " | "),
        mend + "; `rules check --rehearse` tries it and rolls back");
  }
}

}  // namespace

std::vector<Finding> lint_shape(const Rule& rule, const TableFacts& facts,
                                const std::vector<std::string>& known_tables) {
  Findings findings;
  const std::string table = display_name(facts.table);
  if (!facts.exists) {
    add(findings, FindingLevel::error, table, "there is no such table", suggestion(table, known_tables));
    return findings;
  }
  if (facts.kind != 'r' && facts.kind != 'p') {
    add(findings, FindingLevel::error, table,
        "is not a table, and rows of views and foreign tables cannot be locked", "name the table behind it");
    return findings;
  }
  if (!facts.may_select || (!facts.may_update && !rule.settle_function)) {
    add(findings, FindingLevel::error, table,
        "role " + facts.role + " may not " + (facts.may_select ? "update" : "read") + " it",
        grant_hint(rule, facts, "find"));
  }
  lint_columns(rule, facts, findings);
  lint_age(rule, facts, findings);
  lint_types(rule, facts, findings);
  lint_statuses(rule, facts, findings);
  if (!rule.settle_function) lint_key(rule, facts, findings);
  return findings;
}

std::vector<Finding> lint_behaviour(const Rule& rule, const TableFacts& facts) {
  Findings findings;
  const std::string table = display_name(facts.table);
  lint_statement_errors(rule, facts, findings);
  if (facts.find_uses_index && !*facts.find_uses_index) {
    const bool large = facts.estimated_rows >= large_table_rows;
    add(findings, large ? FindingLevel::warning : FindingLevel::note, table,
        "no usable index: each sweep reads the whole table" +
            (large ? " (about " + std::to_string(facts.estimated_rows) + " rows)" : std::string{}),
        compile_rule(rule, facts.table).suggested_index + ";");
  }
  if (facts.hides_rows) {
    add(findings, FindingLevel::warning, table,
        "row level security applies to role " + facts.role + ": stuck rows may be invisible to it",
        "connect as a role with BYPASSRLS, or set [database] role = \"service_role\"");
  }
  lint_triggers(facts, findings);
  if (facts.rows_without_age > 0) {
    add(findings, FindingLevel::warning, table,
        std::to_string(facts.rows_without_age) + " rows are in a stuck status but " + joined(rule.age_of) +
            " is NULL, so nobody can tell their age",
        "add a second column to age_of, such as age_of = [\"" + rule.age_of.front() + "\", \"created_at\"]");
  }
  return findings;
}

}  // namespace jobwatchdog
