// A sweep that its flag switches off, and one that cannot find out whether it may work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/native/strange_database.hpp"
#include "tests/sql/seed.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;

using Environment = std::map<std::string, std::string>;

nlohmann::json json_of(const ProcessResult& result) {
  return nlohmann::json::parse(result.out, nullptr, false);
}

ProcessResult set_flag(const Database& database, const std::string& name, const std::string& definition) {
  return run_jobwatchdog(
      {"flags", "set", name, definition, "--reason", "a test", "--database-url", database.url()});
}

ProcessResult sweep(const Database& database, std::vector<std::string> arguments = {},
                    const Environment& env = {}) {
  arguments.insert(arguments.begin(), {"sweep", "--database-url", database.url()});
  return run_jobwatchdog(arguments, env);
}

TEST(sweep_flag, off_settles_nothing_says_so_and_leaves_a_trace) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  ASSERT_EQ(set_flag(database, "WATCHDOG_SWEEP_ENABLED", "false").exit_code, 0);
  const ProcessResult off = sweep(database, {"--json", "--fail-if-locked"});
  EXPECT_EQ(off.exit_code, 0) << off.err;
  EXPECT_THAT(
      off.err,
      HasSubstr(
          "sweeps are switched off by WATCHDOG_SWEEP_ENABLED (watchdog.feature_flags, version 1); nothing is swept"));
  EXPECT_EQ(json_of(off)["switched_off_by"], "WATCHDOG_SWEEP_ENABLED (watchdog.feature_flags, version 1)");
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(
      database.value("SELECT outcome || ' ' || (details ->> 'switched_off_by') FROM watchdog.sweep_runs"),
      "done WATCHDOG_SWEEP_ENABLED (watchdog.feature_flags, version 1)");
  EXPECT_THAT(sweep(database).out, HasSubstr("nothing was swept: switched off by WATCHDOG_SWEEP_ENABLED"));
  EXPECT_THAT(run_jobwatchdog({"doctor", "--database-url", database.url()}).out,
              HasSubstr("warning  flags: sweeps are switched off"));

  ASSERT_EQ(set_flag(database, "WATCHDOG_SWEEP_ENABLED", "true").exit_code, 0);
  const ProcessResult on = sweep(database, {"--json"});
  EXPECT_EQ(json_of(on)["settled_count"], 1);
  EXPECT_EQ(json_of(on)["switched_off_by"], nullptr);
  EXPECT_EQ(on.err, "");
  EXPECT_EQ(status(database, id), "failed");
}

TEST(sweep_flag, off_by_its_kill_switch_keeps_what_was_set_for_later) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  ASSERT_EQ(set_flag(database, "WATCHDOG_SWEEP_ENABLED", "disabled; true").exit_code, 0);
  EXPECT_EQ(sweep(database).exit_code, 0);
  EXPECT_EQ(status(database, id), "running");
}

TEST(sweep_flag, off_lets_a_dry_run_and_an_explanation_look) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  const Environment off{{"WATCHDOG_SWEEP_ENABLED", "false"}};
  const ProcessResult dry = sweep(database, {"--dry-run", "--json"}, off);
  EXPECT_EQ(json_of(dry)["settled_count"], 1);
  EXPECT_EQ(json_of(dry)["switched_off_by"], "WATCHDOG_SWEEP_ENABLED (the environment)");
  EXPECT_THAT(dry.err, HasSubstr("this dry run shows what one would do"));
  EXPECT_THAT(sweep(database, {"--explain", id}, off).out, HasSubstr("decision"));
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.sweep_runs"), "0");
}

TEST(sweep_flag, that_cannot_be_obeyed_keeps_the_sweep_from_working) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  database.exec(
      "INSERT INTO watchdog.feature_flags (name, definition, reason) VALUES ('WATCHDOG_SWEEP_ENABLED', 'flase', 'by hand')");
  const ProcessResult result = sweep(database);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("did you mean \"false\"?"));
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(sweep(database, {}, {{"WATCHDOG_SWEEP_ENABLED", "true"}}).exit_code, 0)
      << "an earlier source decides";
  EXPECT_EQ(status(database, id), "failed");
}

// Whoever cannot find out whether it may sweep does not.
TEST(sweep_flag, that_cannot_be_asked_keeps_the_sweep_from_working) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  database.exec("ALTER TABLE watchdog.feature_flags RENAME COLUMN definition TO meaning");
  EXPECT_EQ(sweep(database).exit_code, 1);
  EXPECT_EQ(status(database, id), "running");
}

TEST(sweep_flag, is_a_metric) {
  Database database = Database::managed();
  const std::string path = std::filesystem::temp_directory_path() / (database.name() + ".prom");
  EXPECT_EQ(sweep(database, {"--metrics-file", path}).exit_code, 0);
  EXPECT_THAT(read_file(path), HasSubstr(R"(watchdog_flag_state{flag="WATCHDOG_SWEEP_ENABLED"} 1)"));
  EXPECT_EQ(sweep(database, {"--metrics-file", path}, {{"WATCHDOG_SWEEP_ENABLED", "false"}}).exit_code, 0);
  EXPECT_THAT(read_file(path), HasSubstr(R"(watchdog_flag_state{flag="WATCHDOG_SWEEP_ENABLED"} 0)"));
  EXPECT_THAT(read_file(path), Not(HasSubstr("last_success_timestamp_seconds 0")));
  std::filesystem::remove(path);
}

TEST(sweep_flag, is_obeyed_in_watch_mode_too) {
  Database database = strange_database();
  add_tasks(database, 1);
  const ConfigFile off{std::string{"[flags]\nWATCHDOG_SWEEP_ENABLED = false\n"} + strange_rules};
  const ProcessResult result = run_with(database, off, {"sweep"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr(":2:26); nothing is swept"));
  EXPECT_EQ(database.value("SELECT count(*) FROM public.tarefas WHERE estado = 'rodando'"), "1");
}

}  // namespace
}  // namespace jobwatchdog::test
