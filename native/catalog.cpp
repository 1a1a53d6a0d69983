// Reading the catalog. Lists come as JSON, so that one statement tells all about many tables.
#include "native/catalog.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "core/rule_compiler.hpp"

namespace jobwatchdog {
namespace {

using nlohmann::json;

const TransactionOptions reading{.read_only = true, .statement_timeout = seconds(15)};

constexpr const char* shapes_sql = R"sql(
SELECT wanted.schema_name, wanted.table_name, c.relkind AS kind, greatest(c.reltuples, 0)::bigint AS estimated_rows,
       current_user AS role_name,
       has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT') AS may_select,
       has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'UPDATE') AS may_update,
       coalesce(c.relrowsecurity AND NOT r.rolbypassrls AND NOT r.rolsuper
                AND (c.relforcerowsecurity OR NOT pg_has_role(current_user, c.relowner, 'USAGE')), false) AS hides_rows,
       (SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                 'generated', a.attgenerated <> '' OR a.attidentity = 'a',
                 'labels', (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid))
                 ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT jsonb_agg(DISTINCT a.attname) FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1) AS unique_columns
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema_name, table_name, place)
LEFT JOIN pg_namespace n ON n.nspname = wanted.schema_name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.table_name AND c.relkind IN ('r','p','v','m','f')
LEFT JOIN pg_roles r ON r.rolname = current_user
ORDER BY wanted.place)sql";

constexpr const char* triggers_sql = R"sql(
SELECT t.tgname AS name, t.tgfoid::regproc::text AS function, p.prosrc AS source
FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgrelid = to_regclass($1) AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype & 16) <> 0
ORDER BY t.tgname)sql";

constexpr const char* profiles_sql = R"sql(
SELECT n.nspname AS schema_name, c.relname AS table_name, c.oid::bigint AS oid
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r','p') AND NOT c.relispartition AND c.relpersistence <> 't'
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'watchdog', 'cron', 'net', 'auth', 'storage', 'realtime', 'vault',
                                                'extensions', 'graphql', 'graphql_public', 'supabase_functions', 'supabase_migrations', 'pgsodium')
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY n.nspname, c.relname)sql";

constexpr const char* checks_sql = R"sql(
SELECT pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
WHERE k.conrelid = to_regclass($1) AND k.contype = 'c'
  AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname = $2))sql";

constexpr const char* functions_sql = R"sql(
SELECT n.nspname AS schema_name, p.proname AS function_name,
       (SELECT jsonb_agg(format_type(t.oid, NULL) ORDER BY t.place) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (oid, place)) AS arguments
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'f' AND p.pronargs = 3 AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'watchdog')
ORDER BY n.nspname, p.proname)sql";

std::vector<std::string> strings_of(const Text& cell) {
  if (!cell) return {};
  const json list = json::parse(*cell, nullptr, false);
  return list.is_array() ? list.get<std::vector<std::string>>() : std::vector<std::string>{};
}

std::vector<ColumnFacts> columns_of_json(const Text& cell) {
  std::vector<ColumnFacts> columns;
  if (!cell) return columns;
  for (const json& item : json::parse(*cell, nullptr, false)) {
    ColumnFacts column;
    column.name = item["name"].get<std::string>();
    column.type = item["type"].get<std::string>();
    column.is_generated = item["generated"].get<bool>();
    if (item["labels"].is_array()) column.enum_labels = item["labels"].get<std::vector<std::string>>();
    columns.push_back(std::move(column));
  }
  return columns;
}

/// All first groups of `pattern` in `text`, each once.
std::vector<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex expression{pattern, std::regex::icase};
  std::vector<std::string> found;
  for (std::sregex_iterator at{text.begin(), text.end(), expression}, end; at != end; ++at) {
    const std::string match = (*at)[1].str();
    if (std::find(found.begin(), found.end(), match) == found.end()) found.push_back(match);
  }
  return found;
}

TriggerFacts trigger_of(const Rows& rows, std::size_t i) {
  TriggerFacts trigger{rows.text(i, "name"), rows.text(i, "function"), {}, {}};
  const std::string source = rows.text(i, "source");
  trigger.raises = matches(source, R"re(raise\s+(?:exception\s+)?'([^']{1,200})')re");
  for (const std::string& name : matches(source, R"re(current_setting\s*\(\s*'([^']+)')re"))
    trigger.settings.push_back("setting " + name);
  if (!matches(source, R"re(\b(current_user|session_user|current_role|pg_has_role)\b)re").empty())
    trigger.settings.emplace_back("the role");
  return trigger;
}

/// Whether a plan finds its rows by an index that narrows them: by a condition, or by being partial.
bool plan_uses_index(const json& node, Connection& connection) {
  if (node.contains("Index Name")) {
    if (node.contains("Index Cond")) return true;
    const DatabaseResult<Rows> partial = connection.query(
        "SELECT bool_or(i.indpred IS NOT NULL) AS is_partial FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = $1",
        {node["Index Name"].get<std::string>()}, reading);
    return partial.ok() && partial.value().boolean(0, "is_partial");
  }
  if (!node.contains("Plans")) return false;
  // Over partitions, each one must have its index.
  bool any = false;
  bool all = true;
  for (const json& child : node["Plans"]) {
    const bool uses = plan_uses_index(child, connection);
    any = any || uses;
    all = all && uses;
  }
  return node["Node Type"] == "Append" || node["Node Type"] == "Merge Append" ? all : any;
}

/// Plans one statement without running it. With `plan`, sequential scans are made dear and the plan is kept.
void explain(Connection& connection, const std::string& name, const std::string& sql,
             const std::vector<Text>& parameters, TableFacts& facts, json* plan = nullptr) {
  if (sql.empty()) return;
  DatabaseResult<Transaction> transaction = connection.begin({.statement_timeout = seconds(15)});
  if (!transaction.ok()) return;
  if (plan != nullptr && transaction.value().run_script("SET LOCAL enable_seqscan = off")) return;
  const DatabaseResult<Rows> rows = transaction.value().query("EXPLAIN (FORMAT JSON) " + sql, parameters);
  if (!rows.ok()) {
    facts.statement_errors.push_back({name, rows.error().sqlstate, rows.error().message});
    return;
  }
  if (plan != nullptr && rows.value().size() > 0)
    *plan = json::parse(rows.value().text(0, "QUERY PLAN"), nullptr, false);
}

void explain_all(Connection& connection, const Rule& rule, TableFacts& facts) {
  const CompiledRule compiled = compile_rule(rule, facts.table);
  const Text now{"2000-01-01 00:00:00+00"};
  json plan;
  explain(connection, "find", compiled.find, {now, std::nullopt, std::nullopt, Text{"1000"}}, facts, &plan);
  if (!facts.statement_errors.empty()) return;  // The others would only repeat it.
  if (plan.is_array() && !plan.empty()) facts.find_uses_index = plan_uses_index(plan[0]["Plan"], connection);
  explain(connection, "take", compiled.take, {now, std::nullopt, std::nullopt, Text{"1000"}}, facts);
  explain(connection, "settle", compiled.settle, {Text{"{}"}}, facts);
  explain(connection, "succeed", compiled.succeed, {Text{"{}"}, Text{"{}"}}, facts);
  explain(connection, "refund", compiled.refund, {Text{"{}"}}, facts);
  explain(connection, "exhausted", compiled.exhausted, {now}, facts);
}

/// Sampled, so that a large table answers at once; the values that matter are frequent or in a constraint.
std::vector<std::string> sampled_values(Connection& connection, const TableFacts& facts,
                                        const std::string& column) {
  std::vector<std::string> values;
  const DatabaseResult<Rows> statistics = connection.query(
      "SELECT n_distinct > 40 OR (n_distinct < 0 AND $4::bigint > 1000) AS is_no_status, v FROM pg_stats "
      "LEFT JOIN LATERAL unnest(most_common_vals::text::text[]) AS v ON true WHERE schemaname = $1 AND tablename = $2 AND attname = $3",
      {facts.table.schema, facts.table.name, column, std::to_string(facts.estimated_rows)}, reading);
  for (std::size_t i = 0; statistics.ok() && i < statistics.value().size(); ++i) {
    if (statistics.value().boolean(i, "is_no_status")) return {};
    if (statistics.value().at(i, "v")) values.push_back(statistics.value().text(i, "v"));
  }
  const std::string name = quote_identifier(column);
  const DatabaseResult<Rows> rows =
      connection.query("SELECT DISTINCT v FROM (SELECT " + name + "::text AS v FROM " + quoted(facts.table) +
                           " LIMIT 50000) AS sample WHERE v IS NOT NULL LIMIT 40",
                       {}, {.read_only = true, .statement_timeout = seconds(3)});
  if (!rows.ok() || rows.value().size() == 40) return values;  // So many different ones: no status.
  for (std::size_t i = 0; i < rows.value().size(); ++i) values.push_back(rows.value().text(i, "v"));
  return values;
}

StatusCandidate candidate_of(Connection& connection, const TableFacts& facts, const ColumnFacts& column) {
  StatusCandidate candidate{column.name, column.enum_labels};
  const auto add = [&candidate](const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      if (std::find(candidate.values.begin(), candidate.values.end(), value) == candidate.values.end())
        candidate.values.push_back(value);
    }
  };
  const DatabaseResult<Rows> checks =
      connection.query(checks_sql, {quoted(facts.table), column.name}, reading);
  for (std::size_t i = 0; checks.ok() && i < checks.value().size(); ++i)
    add(matches(checks.value().text(i, "definition"), "'([^']{1,60})'"));
  if (column.enum_labels.empty()) add(sampled_values(connection, facts, column.name));
  return candidate;
}

bool may_be_status(const ColumnFacts& column) {
  return !column.enum_labels.empty() || column.type == "text" || column.type.rfind("character", 0) == 0;
}

}  // namespace

DatabaseResult<std::vector<TableFacts>> load_table_shapes(Connection& connection,
                                                          const std::vector<QualifiedName>& tables) {
  std::vector<std::string> schemas;
  std::vector<std::string> names;
  for (const QualifiedName& table : tables) {
    schemas.push_back(table.schema);
    names.push_back(table.name);
  }
  const DatabaseResult<Rows> rows =
      connection.query(shapes_sql, {array_literal(schemas), array_literal(names)}, reading);
  if (!rows.ok()) return rows.error();
  std::vector<TableFacts> shapes;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    const Rows& all = rows.value();
    TableFacts facts;
    facts.table = tables[i];
    facts.exists = all.at(i, "kind").has_value();
    facts.role = all.text(i, "role_name");
    if (facts.exists) {
      facts.kind = all.text(i, "kind")[0];
      facts.estimated_rows = all.integer(i, "estimated_rows");
      facts.may_select = all.boolean(i, "may_select");
      facts.may_update = all.boolean(i, "may_update");
      facts.hides_rows = all.boolean(i, "hides_rows");
      facts.columns = columns_of_json(all.at(i, "columns"));
      facts.unique_columns = strings_of(all.at(i, "unique_columns"));
    }
    shapes.push_back(std::move(facts));
  }
  return shapes;
}

DatabaseResult<std::vector<std::string>> load_table_names(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT n.nspname AS schema_name, c.relname AS table_name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r','p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2 LIMIT 5000",
      {}, reading);
  if (!rows.ok()) return rows.error();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    names.push_back(display_name({rows.value().text(i, "schema_name"), rows.value().text(i, "table_name")}));
  }
  return names;
}

std::optional<DatabaseError> add_behaviour(Connection& connection, const Rule& rule, TableFacts& facts) {
  explain_all(connection, rule, facts);
  const DatabaseResult<Rows> triggers = connection.query(triggers_sql, {quoted(facts.table)}, reading);
  if (!triggers.ok()) return triggers.error();
  for (std::size_t i = 0; i < triggers.value().size(); ++i)
    facts.triggers.push_back(trigger_of(triggers.value(), i));
  if (rule.refund && rule.refund->function) {
    const DatabaseResult<Rows> candidates = connection.query(
        "SELECT p.oid::regprocedure::text AS signature FROM pg_proc p WHERE p.proname = $1 ORDER BY 1 LIMIT 10",
        {rule.refund->function->name}, reading);
    if (!candidates.ok()) return candidates.error();
    for (std::size_t i = 0; i < candidates.value().size(); ++i)
      facts.refund_candidates.push_back(candidates.value().text(i, "signature"));
  }
  if (!facts.statement_errors.empty()) return std::nullopt;
  std::string all_null;
  for (const std::string& column : rule.age_of) all_null += " AND " + quote_identifier(column) + " IS NULL";
  // A bounded look: the answer is a hint, not a count to rely on.
  const DatabaseResult<Rows> ageless = connection.query(
      "SELECT count(*) AS total FROM (SELECT 1 FROM " + quoted(facts.table) + " WHERE " +
          quote_identifier(rule.status) + "::text = ANY ($1::text[])" + all_null + " LIMIT 10000) AS ageless",
      {array_literal(rule.stuck_in)}, {.read_only = true, .statement_timeout = seconds(3)});
  if (ageless.ok()) facts.rows_without_age = ageless.value().integer(0, "total");
  return std::nullopt;
}

DatabaseResult<std::vector<TableProfile>> load_table_profiles(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(profiles_sql, {}, reading);
  if (!rows.ok()) return rows.error();
  std::vector<QualifiedName> tables;
  for (std::size_t i = 0; i < rows.value().size(); ++i)
    tables.push_back({rows.value().text(i, "schema_name"), rows.value().text(i, "table_name")});
  DatabaseResult<std::vector<TableFacts>> shapes = load_table_shapes(connection, tables);
  if (!shapes.ok()) return shapes.error();
  std::vector<TableProfile> profiles;
  for (TableFacts& facts : shapes.value()) {
    TableProfile profile{facts, {}};
    for (const ColumnFacts& column : facts.columns) {
      if (may_be_status(column)) profile.status_candidates.push_back(candidate_of(connection, facts, column));
    }
    profiles.push_back(std::move(profile));
  }
  return profiles;
}

DatabaseResult<std::vector<FunctionProfile>> load_refund_functions(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(functions_sql, {}, reading);
  if (!rows.ok()) return rows.error();
  std::vector<FunctionProfile> functions;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    functions.push_back({{rows.value().text(i, "schema_name"), rows.value().text(i, "function_name")},
                         strings_of(rows.value().at(i, "arguments"))});
  }
  return functions;
}

}  // namespace jobwatchdog
