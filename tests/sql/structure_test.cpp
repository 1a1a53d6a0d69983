// The schema as a whole: linted, checked, and equal to the snapshot that reviewers read.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "tests/sql/seed.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

std::vector<std::filesystem::path> sql_files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator{project_root() / "sql" / folder}) {
    if (entry.path().extension() == ".sql") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

const std::string in_our_schemas = " IN ('public'::regnamespace, 'watchdog'::regnamespace)";

/// Findings of plpgsql_check over all functions, a trigger function once for each table it serves.
std::vector<std::vector<std::string>> plpgsql_findings(Database& database) {
  database.exec("CREATE EXTENSION IF NOT EXISTS plpgsql_check SCHEMA pg_catalog");
  return database.rows(
      "SELECT function.oid::regprocedure, finding.lineno, finding.level, finding.message FROM pg_proc AS function "
      "JOIN pg_language AS language ON language.oid = prolang AND lanname = 'plpgsql' "
      "LEFT JOIN (SELECT DISTINCT tgfoid, tgrelid FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0) AS trigger ON tgfoid = function.oid "
      "CROSS JOIN LATERAL plpgsql_check_function_tb(function.oid, COALESCE(tgrelid, 0), other_warnings => true, extra_warnings => true, "
      "performance_warnings => true, security_warnings => true) AS finding WHERE pronamespace" +
      in_our_schemas);
}

TEST(structure, plpgsql_check_finds_nothing) {
  auto database = Database::managed();
  for (const auto& finding : plpgsql_findings(database))
    ADD_FAILURE() << finding[0] << " line " << finding[1] << ": " << finding[3];
  EXPECT_GE(std::stoi(database.value("SELECT count(*) FROM pg_proc WHERE pronamespace" + in_our_schemas)),
            20);
}

// The twin: it does find injection, and a column that is not there.
TEST(structure, plpgsql_check_would_find_a_fault) {
  auto database = Database::managed();
  database.exec(
      "CREATE FUNCTION watchdog.injectable(p text) RETURNS void LANGUAGE plpgsql AS $$BEGIN EXECUTE 'SELECT ' || p; END$$");
  database.exec(
      "CREATE FUNCTION watchdog.wrong() RETURNS void LANGUAGE plpgsql AS $$BEGIN UPDATE public.exams SET absent = 1; END$$");
  std::set<std::string> found;
  for (const auto& finding : plpgsql_findings(database)) found.insert(finding[0]);
  EXPECT_EQ(found, (std::set<std::string>{"watchdog.injectable(text)", "watchdog.wrong()"}));
}

ProcessResult squawk(std::vector<std::string> files) {
  std::vector<std::string> argv{project_root() / "tests/node_modules/.bin/squawk", "--config",
                                project_root() / "tests/sql/.squawk.toml"};
  argv.insert(argv.end(), files.begin(), files.end());
  return run(argv);
}

TEST(structure, squawk_finds_nothing) {
  std::vector<std::string> files;
  for (const auto* folder : {"", "migrations", "functions"}) {
    for (const auto& file : sql_files(folder)) {
      // The snapshot is generated and never run.
      if (file.filename() != "schema.sql") files.push_back(file);
    }
  }
  EXPECT_GE(files.size(), 30U);
  const auto result = squawk(files);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
}

TEST(structure, squawk_would_find_a_fault) {
  const auto file =
      std::filesystem::temp_directory_path() /
      ("squawk_fault_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) + ".sql");
  std::ofstream{file} << "ALTER TABLE public.exams DROP COLUMN status;\n";
  EXPECT_EQ(squawk({file}).exit_code, 1);
  std::filesystem::remove(file);
}

std::string dump(Database& database) {
  const auto result = run({project_root() / "tests/sql/dump_schema", database.url()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

TEST(structure, equals_the_snapshot) {
  auto database = Database::managed();
  EXPECT_EQ(dump(database), read_file(project_root() / "sql/schema.sql"))
      << "write it again with tests/sql/dump_schema and review the difference";
}

TEST(structure, a_change_that_is_not_in_the_snapshot_is_noticed) {
  auto database = Database::managed();
  database.exec("ALTER TABLE public.exams ADD COLUMN unreviewed text");
  EXPECT_NE(dump(database), read_file(project_root() / "sql/schema.sql"));
}

/// Runs one of our files as the runner does: one transaction, no other statement around it.
void apply(Database& database, const std::filesystem::path& file) {
  database.exec("BEGIN;" + read_file(file) + ";COMMIT");
}

TEST(migrations, the_watch_set_stands_alone) {
  auto database = Database::empty();
  apply(database, project_root() / "sql/migration_table.sql");
  apply(database, project_root() / "sql/migration_table.sql");
  for (const auto& file : sql_files("migrations")) {
    if (read_file(file).starts_with("--! set: watch\n")) apply(database, file);
  }
  EXPECT_EQ(
      database.value(
          "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relnamespace" +
          in_our_schemas),
      "audit_log feature_flag_history feature_flags isolated_rows schema_migrations sweep_runs");
  EXPECT_EQ(
      database.value("SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc WHERE pronamespace" +
                     in_our_schemas),
      "record_feature_flag refuse_flag_history_change set_feature_flag stamp_feature_flag");
}

TEST(migrations, the_audit_keeps_its_rows_when_the_managed_set_moves_it) {
  auto database = Database::empty();
  apply(database, project_root() / "sql/migration_table.sql");
  for (const auto& file : sql_files("migrations")) {
    apply(database, file);
    if (file.filename().string().starts_with("0001_"))
      database.exec("INSERT INTO watchdog.audit_log (action) VALUES ('before')");
  }
  EXPECT_EQ(database.value("SELECT action FROM public.audit_log"), "before");
  // Functions are applied again after each migrate: twice must work.
  for (int i = 0; i < 2; ++i) {
    for (const auto& file : sql_files("functions")) apply(database, file);
  }
  EXPECT_EQ(dump(database), read_file(project_root() / "sql/schema.sql"));
}

// The watch set may come first, on a server that has no service_role yet: the managed set makes it and gives
// it its rights.
TEST(migrations, the_managed_set_after_the_watch_set_ends_as_both_in_order) {
  auto database = Database::empty();
  apply(database, project_root() / "sql/migration_table.sql");
  const auto apply_set = [&](const std::string& set) {
    for (const auto& file : sql_files("migrations")) {
      if (read_file(file).starts_with("--! set: " + set)) apply(database, file);
    }
  };
  apply_set("watch");
  database.exec(
      "REVOKE ALL ON SCHEMA watchdog FROM service_role; REVOKE ALL ON ALL TABLES IN SCHEMA watchdog FROM service_role; "
      "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA watchdog FROM service_role");
  apply_set("managed");
  for (const auto& file : sql_files("functions")) apply(database, file);
  EXPECT_EQ(dump(database), read_file(project_root() / "sql/schema.sql"));
}

TEST(migrations, each_file_names_its_set_and_its_purpose) {
  int number = 0;
  for (const auto& file : sql_files("migrations")) {
    std::istringstream lines{read_file(file)};
    std::string first;
    std::string second;
    std::getline(lines, first);
    std::getline(lines, second);
    EXPECT_TRUE(first == "--! set: watch" || first.starts_with("--! set: managed")) << file;
    EXPECT_TRUE(second.starts_with("-- ") && second.ends_with(".")) << file;
    EXPECT_EQ(std::stoi(file.filename().string().substr(0, 4)), ++number) << file;
  }
}

TEST(structure, tables_have_keys_indexed_references_and_zoned_times) {
  auto database = Database::managed();
  const auto none = [&](const std::string& law, const std::string& sql) {
    for (const auto& row : database.rows(sql)) ADD_FAILURE() << law << ": " << row[0];
  };
  none("no primary key",
       "SELECT oid::regclass FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace" + in_our_schemas +
           " AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)");
  none(
      "reference without an index",
      "SELECT conrelid::regclass || '.' || conname FROM pg_constraint WHERE contype = 'f' AND connamespace" +
          in_our_schemas +
          " AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = conrelid AND (indkey::int2[])[0:cardinality(conkey) - 1] = conkey)");
  none(
      "index twice",
      "SELECT min(indexrelid::regclass::text) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid WHERE relnamespace" +
          in_our_schemas +
          " GROUP BY indrelid, indkey, indclass, COALESCE(indexprs::text, ''), COALESCE(indpred::text, '') HAVING count(*) > 1");
  none(
      "time without zone",
      "SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
      "WHERE relkind IN ('r', 'p') AND relnamespace" +
          in_our_schemas + " AND atttypid IN ('timestamp'::regtype, 'time'::regtype)");
  none("no comment", "SELECT oid::regprocedure FROM pg_proc WHERE pronamespace" + in_our_schemas +
                         " AND obj_description(oid, 'pg_proc') IS NULL");
}

TEST(structure, the_sweep_of_stale_jobs_reads_by_its_index) {
  auto database = Database::managed();
  database.exec(
      "INSERT INTO public.upscaler_jobs (user_id, status) SELECT gen_random_uuid(), 'completed' FROM generate_series(1, 5000); ANALYZE public.upscaler_jobs");
  std::string plan;
  for (
      const auto& line : database.rows(
          "EXPLAIN SELECT id FROM public.upscaler_jobs AS t WHERE t.\"status\" IN ('queued','starting','running') AND "
          "COALESCE(t.\"started_at\", t.\"queued_at\", t.\"created_at\") < now() - interval '10 min' "
          "ORDER BY COALESCE(t.\"started_at\", t.\"queued_at\", t.\"created_at\"), id LIMIT 1000 FOR UPDATE SKIP LOCKED"))
    plan += line[0] + "\n";
  EXPECT_NE(plan.find("Index Scan using upscaler_jobs_coalesce_id_idx"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("Sort"), std::string::npos) << plan;
}

}  // namespace
}  // namespace jobwatchdog::test
