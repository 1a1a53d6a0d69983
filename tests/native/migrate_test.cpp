// `migrate` and `doctor`: forward only, side by side, and never over what belongs to somebody else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/native/strange_database.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

ProcessResult migrate(const Database& database, std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), {"migrate", "--database-url", database.url()});
  return run_jobwatchdog(arguments);
}

std::string tables(Database& database, const std::string& schema) {
  return database.value(
      "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = '" + schema +
      "'");
}

TEST(migrate, makes_the_schema_and_then_has_nothing_to_do) {
  Database database = Database::empty();
  EXPECT_THAT(migrate(database).out, HasSubstr("applied 0001_watch_history"));
  EXPECT_THAT(tables(database, "public"), HasSubstr("ai_jobs,audit_log,exams,pose_changer_jobs"));
  EXPECT_THAT(migrate(database).out, HasSubstr("nothing to do"));
}

TEST(migrate, watch_adds_the_history_alone_and_can_grow_into_the_managed_schema) {
  Database database = Database::empty();
  EXPECT_EQ(migrate(database, {"--watch"}).exit_code, 0);
  EXPECT_EQ(tables(database, "public"), "");
  EXPECT_EQ(tables(database, "watchdog"),
            "audit_log,feature_flag_history,feature_flags,isolated_rows,schema_migrations,sweep_runs");
  EXPECT_EQ(migrate(database).exit_code, 0);
  EXPECT_THAT(tables(database, "public"), HasSubstr("audit_log"));
}

TEST(migrate, watch_gives_a_sweep_over_own_tables_a_history) {
  Database database = strange_database();
  ASSERT_EQ(migrate(database, {"--watch"}).exit_code, 0);
  add_tasks(database, 2);
  add_tasks(database, 1, "ana", "legal");
  const ConfigFile config{strange_rules};
  EXPECT_EQ(run_with(database, config, {"sweep"}).exit_code, 6);
  EXPECT_EQ(database.value("SELECT settled_count || ' ' || outcome FROM watchdog.sweep_runs"), "2 partial");
  EXPECT_EQ(database.value("SELECT reason FROM watchdog.isolated_rows"),
            "em guarda judicial (pergunte ao jurídico) [P0001]");
  EXPECT_EQ(database.value("SELECT sum(jsonb_array_length(new_data->'ids')) FROM watchdog.audit_log"), "2");
}

TEST(migrate, refuses_with_the_list_of_differences_where_tables_of_these_names_exist) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE public.exams (id bigint PRIMARY KEY, status text, color text); CREATE FUNCTION public.has_role(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'");
  const ProcessResult result = migrate(database);
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("table public.exams exists:"));
  EXPECT_THAT(result.err, HasSubstr("id is bigint instead of uuid"));
  EXPECT_THAT(result.err, HasSubstr("also has color text"));
  EXPECT_THAT(result.err, HasSubstr("function public.has_role(text) exists"));
  EXPECT_THAT(result.err, HasSubstr("nothing was changed"));
  EXPECT_EQ(tables(database, "public"), "exams");
  EXPECT_EQ(tables(database, "watchdog"), "");
}

TEST(migrate, status_and_dry_run_change_nothing) {
  Database database = Database::empty();
  EXPECT_THAT(migrate(database, {"--status"}).out, HasSubstr("0001_watch_history         watch    missing"));
  EXPECT_THAT(migrate(database, {"--dry-run"}).out, HasSubstr("CREATE TABLE"));
  EXPECT_EQ(tables(database, "watchdog"), "");
  EXPECT_EQ(nlohmann::json::parse(migrate(database, {"--status", "--json"}).out)["migrations"][0]["state"],
            "missing");
}

TEST(migrate, dry_run_prints_a_script_that_makes_the_same_schema) {
  Database by_script = Database::empty();
  const ConfigFile script{migrate(by_script, {"--dry-run"}).out};
  const ProcessResult psql =
      run({"psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", script.path(), by_script.url()});
  EXPECT_EQ(psql.exit_code, 0) << psql.err;
  EXPECT_THAT(migrate(by_script).out, HasSubstr("nothing to do"));
}

TEST(migrate, two_at_once_both_end_well) {
  Database database = Database::empty();
  const std::string command = jobwatchdog_binary() + " migrate --database-url '" + database.url() + "'";
  const ProcessResult both = run({"sh", "-c", command + " & " + command + " && wait $!"});
  EXPECT_EQ(both.exit_code, 0) << both.out << both.err;
  EXPECT_THAT(migrate(database).out, HasSubstr("nothing to do"));
}

TEST(migrate, notices_an_applied_text_that_was_altered) {
  Database database = Database::managed();
  database.exec("UPDATE watchdog.schema_migrations SET checksum = 'x' WHERE number = 2");
  EXPECT_THAT(migrate(database, {"--status"}).out, HasSubstr("applied, with another text"));
}

TEST(doctor, is_content_with_a_managed_database_and_names_what_is_missing_elsewhere) {
  Database database = Database::managed();
  const ProcessResult good = run_jobwatchdog({"doctor", "--database-url", database.url()});
  EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
  for (const char* words : {"ok       server: PostgreSQL", "ok       schema: managed, up to date",
                            "ok       clock:", "rules from built-in rules fit their tables"})
    EXPECT_THAT(good.out, HasSubstr(words));
  Database empty = Database::empty();
  const ProcessResult bad = run_jobwatchdog({"doctor", "--database-url", empty.url()});
  EXPECT_EQ(bad.exit_code, 5);
  EXPECT_THAT(bad.out, HasSubstr("error    schema:"));
}

}  // namespace
}  // namespace jobwatchdog::test
