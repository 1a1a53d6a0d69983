// Migrations: what the binary carries, what a database has, and applying the difference.
#include "native/migrations.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "core/require.hpp"
#include "core/sql_text.hpp"
#include "native/embedded_sql.hpp"

namespace jobwatchdog {
namespace {

/// Number 0 of watchdog.schema_migrations stands for the functions, which have no number of their own.
constexpr int functions_number = 0;

const TransactionOptions migration_options{
    .statement_timeout = minutes(10), .lock_timeout = seconds(30), .idle_timeout = minutes(10)};
const TransactionOptions reading_options{.read_only = true, .statement_timeout = seconds(30)};

/// FNV-1a, to notice that an applied text was edited; it protects nothing.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  std::ostringstream out;
  out << std::hex << hash;
  return out.str();
}

std::string functions_text() {
  std::string text;
  for (const SqlFile& file : embedded_functions()) text += std::string{file.text} + "\n";
  return text;
}

Migration parse_migration(const SqlFile& file) {
  Migration migration;
  std::from_chars(file.name.data(), file.name.data() + file.name.size(), migration.number);
  migration.name = file.name;
  migration.sql = file.text;
  const std::string_view header = file.text.substr(0, file.text.find('\n'));
  require(header.rfind("--! set: ", 0) == 0 && migration.number > 0,
          "a migration is NNNN_name.sql and begins with --! set:");
  migration.set =
      header.find("watch") != std::string_view::npos ? MigrationSet::watch : MigrationSet::managed;
  migration.breaking = header.find("breaking") != std::string_view::npos;
  return migration;
}

std::string text_of(MigrationSet set) { return set == MigrationSet::watch ? "watch" : "managed"; }

/// The first words of a type as format_type() writes it, out of a column line of the snapshot.
std::string type_in_snapshot(std::string line) {
  for (const std::string_view end : {" DEFAULT ", " NOT NULL", " GENERATED ", " CONSTRAINT ", ","}) {
    if (const auto at = line.find(end); at != std::string::npos) line.erase(at);
  }
  return line;
}

/// The public tables of the snapshot with their columns: what `migrate` would make.
std::map<std::string, std::map<std::string, std::string>> tables_in_snapshot() {
  std::map<std::string, std::map<std::string, std::string>> tables;
  std::istringstream lines{std::string{embedded_schema()}};
  std::string line;
  std::string table;
  while (std::getline(lines, line)) {
    static const std::string opening = "CREATE TABLE public.";
    if (line.rfind(opening, 0) == 0) {
      table = line.substr(opening.size(), line.find(' ', opening.size()) - opening.size());
      tables[table];
    } else if (!line.empty() && line[0] == ')') {
      table.clear();
    } else if (!table.empty() && line.rfind("    CONSTRAINT", 0) != 0 && line.rfind("    ", 0) == 0) {
      const auto name_end = line.find(' ', 4);
      tables[table][line.substr(4, name_end - 4)] = type_in_snapshot(line.substr(name_end + 1));
    }
  }
  return tables;
}

/// How the live columns of one table differ from ours, in words.
std::string column_differences(const std::map<std::string, std::string>& ours,
                               const std::map<std::string, std::string>& theirs) {
  std::string words;
  const auto add = [&words](const std::string& text) { words += (words.empty() ? "" : ", ") + text; };
  for (const auto& [name, type] : ours) {
    const auto found = theirs.find(name);
    if (found == theirs.end()) {
      add("no column " + name + " " + type);
    } else if (found->second != type) {
      add(name + " is " + found->second + " instead of " + type);
    }
  }
  for (const auto& [name, type] : theirs) {
    if (ours.find(name) == ours.end()) add("also has " + name + " " + type);
  }
  return words.empty() ? "same columns" : words;
}

std::vector<std::string> public_function_names() {
  std::vector<std::string> names;
  for (const SqlFile& file : embedded_functions()) {
    if (file.text.find("FUNCTION public." + std::string{file.name} + "(") != std::string_view::npos)
      names.emplace_back(file.name);
  }
  return names;
}

std::optional<DatabaseError> record(Transaction& transaction, int number, const std::string& name,
                                    const std::string& set, bool breaking, const std::string& text,
                                    bool& is_new) {
  const DatabaseResult<Rows> rows = transaction.query(
      "INSERT INTO watchdog.schema_migrations (number, name, migration_set, breaking, checksum) VALUES ($1, $2, $3, $4, $5) "
      "ON CONFLICT (number) DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp() "
      "WHERE schema_migrations.number = 0 RETURNING number",
      {std::to_string(number), name, set, breaking ? "true" : "false", checksum(text)});
  if (!rows.ok()) return rows.error();
  is_new = rows.value().size() == 1;
  return std::nullopt;
}

}  // namespace

const std::vector<Migration>& known_migrations() {
  static const std::vector<Migration> migrations = [] {
    std::vector<Migration> list;
    for (const SqlFile& file : embedded_migrations()) list.push_back(parse_migration(file));
    return list;
  }();
  return migrations;
}

DatabaseResult<SchemaState> read_schema_state(Connection& connection) {
  SchemaState state;
  state.missing = known_migrations();
  const auto hidden_or = [&state](const DatabaseError& error) -> DatabaseResult<SchemaState> {
    if (error.sqlstate != "42501") return error;
    state.hidden_because = error_text(error);
    return state;
  };
  const DatabaseResult<Rows> exists = connection.query(
      "SELECT to_regclass('watchdog.schema_migrations') IS NOT NULL AS is_there, current_user AS role, "
      "coalesce(row_security_active(to_regclass('watchdog.schema_migrations')), false) AS hides_rows",
      {}, reading_options);
  if (!exists.ok()) return hidden_or(exists.error());
  if (!exists.value().boolean(0, "is_there")) return state;
  if (exists.value().boolean(0, "hides_rows")) {
    state.hidden_because =
        "row level security hides watchdog.schema_migrations from role " + exists.value().text(0, "role");
    return state;
  }
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT number, name, breaking, checksum FROM watchdog.schema_migrations ORDER BY number", {},
      reading_options);
  if (!rows.ok()) return hidden_or(rows.error());
  const Rows& applied = rows.value();
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const auto number = static_cast<int>(applied.integer(i, "number"));
    if (number == functions_number) {
      state.functions_current = applied.text(i, "checksum") == checksum(functions_text());
      continue;
    }
    const auto known = std::find_if(state.missing.begin(), state.missing.end(),
                                    [&](const Migration& m) { return m.number == number; });
    if (known == state.missing.end()) {
      state.newer.push_back(applied.text(i, "name"));
      state.newer_is_breaking = state.newer_is_breaking || applied.boolean(i, "breaking");
      continue;
    }
    (known->set == MigrationSet::managed ? state.any_managed : state.any_watch) = true;
    if (applied.text(i, "checksum") != checksum(known->sql)) state.altered.push_back(known->name);
    state.missing.erase(known);
  }
  const auto misses = [&](MigrationSet set) {
    return std::any_of(state.missing.begin(), state.missing.end(),
                       [&](const Migration& m) { return m.set == set; });
  };
  state.has_watch = !misses(MigrationSet::watch);
  state.has_managed = !misses(MigrationSet::managed);
  return state;
}

DatabaseResult<std::vector<std::string>> objects_in_the_way(Connection& connection) {
  std::vector<std::string> differences;
  for (const auto& [table, ours] : tables_in_snapshot()) {
    const DatabaseResult<Rows> rows = connection.query(
        "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE n.nspname = 'public' AND c.relname = $1",
        {table}, reading_options);
    if (!rows.ok()) return rows.error();
    if (rows.value().size() == 0) continue;
    std::map<std::string, std::string> theirs;
    for (std::size_t i = 0; i < rows.value().size(); ++i)
      theirs[rows.value().text(i, "name")] = rows.value().text(i, "type");
    differences.push_back("table public." + table + " exists: " + column_differences(ours, theirs));
  }
  for (const std::string& name : public_function_names()) {
    const DatabaseResult<Rows> rows = connection.query(
        "SELECT p.oid::regprocedure::text AS signature FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = 'public' AND p.proname = $1",
        {name}, reading_options);
    if (!rows.ok()) return rows.error();
    for (std::size_t i = 0; i < rows.value().size(); ++i)
      differences.push_back("function public." + rows.value().text(i, "signature") + " exists");
  }
  return differences;
}

DatabaseResult<bool> apply_migration(Connection& connection, const Migration& migration) {
  DatabaseResult<Transaction> begun = connection.begin(migration_options);
  if (!begun.ok()) return begun.error();
  Transaction& transaction = begun.value();
  if (auto error = transaction.run_script(std::string{embedded_migration_table()})) return *error;
  bool is_new = false;
  if (auto error = record(transaction, migration.number, migration.name, text_of(migration.set),
                          migration.breaking, migration.sql, is_new))
    return *error;
  if (!is_new) return false;
  if (auto error = transaction.run_script(migration.sql)) return *error;
  if (auto error = transaction.commit()) return *error;
  return true;
}

std::optional<DatabaseError> apply_functions(Connection& connection) {
  DatabaseResult<Transaction> begun = connection.begin(migration_options);
  if (!begun.ok()) return begun.error();
  Transaction& transaction = begun.value();
  bool is_new = false;
  if (auto error =
          record(transaction, functions_number, "functions", "managed", false, functions_text(), is_new))
    return error;
  if (auto error = transaction.run_script(functions_text())) return error;
  return transaction.commit();
}

std::string migration_script(const SchemaState& state, MigrationSet set) {
  std::string script;
  const auto section = [&script](int number, const std::string& name, MigrationSet of, bool breaking,
                                 const std::string& sql) {
    script +=
        "BEGIN;\n" + std::string{embedded_migration_table()} +
        "INSERT INTO watchdog.schema_migrations (number, name, migration_set, breaking, checksum) VALUES (" +
        std::to_string(number) + ", " + quote_literal(name) + ", " + quote_literal(text_of(of)) + ", " +
        (breaking ? "true" : "false") + ", " + quote_literal(checksum(sql)) +
        ")\nON CONFLICT (number) DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp()" +
        (number == functions_number ? "" : " WHERE false") + ";\n" + sql + "\nCOMMIT;\n\n";
  };
  for (const Migration& migration : state.missing) {
    if (set == MigrationSet::watch && migration.set != MigrationSet::watch) continue;
    section(migration.number, migration.name, migration.set, migration.breaking, migration.sql);
  }
  if (set == MigrationSet::managed && !state.functions_current)
    section(functions_number, "functions", MigrationSet::managed, false, functions_text());
  return script;
}

}  // namespace jobwatchdog
