// The command line and the connection: each wrong input has its own words and its own exit code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/strange_database.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

void expect(const ProcessResult& result, int exit_code, std::initializer_list<const char*> err_parts) {
  EXPECT_EQ(result.exit_code, exit_code) << result.out << result.err;
  for (const char* part : err_parts) EXPECT_THAT(result.err, HasSubstr(part));
}

TEST(command_line, without_arguments_prints_its_help) {
  const ProcessResult result = run_jobwatchdog({});
  EXPECT_EQ(result.exit_code, 0);
  for (const char* word :
       {"Examples:", "sweep", "adopt", "rules", "migrate", "audit", "doctor", "Exit codes:"})
    EXPECT_THAT(result.out, HasSubstr(word));
}

TEST(command_line, has_help_with_examples_for_every_command) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"sweep"},
                                                                                       {"adopt"},
                                                                                       {"rules"},
                                                                                       {"rules", "list"},
                                                                                       {"rules", "check"},
                                                                                       {"rules", "show"},
                                                                                       {"flags"},
                                                                                       {"flags", "list"},
                                                                                       {"flags", "get"},
                                                                                       {"flags", "set"},
                                                                                       {"flags", "history"},
                                                                                       {"migrate"},
                                                                                       {"doctor"},
                                                                                       {"emulate-provider"},
                                                                                       {"version"}}) {
    std::vector<std::string> arguments = command;
    arguments.emplace_back("--help");
    const ProcessResult result = run_jobwatchdog(arguments);
    EXPECT_EQ(result.exit_code, 0) << command.back();
    EXPECT_THAT(result.out, HasSubstr("Examples:\n  jobwatchdog " + command.front()));
  }
}

TEST(command_line, names_the_environment_twin_of_its_options) {
  const ProcessResult result = run_jobwatchdog({"sweep", "--help"});
  for (const char* name :
       {"WATCHDOG_BATCH_SIZE", "WATCHDOG_MAX_DURATION", "WATCHDOG_METRICS_FILE", "WATCHDOG_FAIL_IF_LOCKED"})
    EXPECT_THAT(result.out, HasSubstr(name));
}

TEST(command_line, tells_its_version) {
  EXPECT_THAT(run_jobwatchdog({"version"}).out, HasSubstr("jobwatchdog 0."));
  EXPECT_THAT(run_jobwatchdog({"version", "--json"}).out, HasSubstr("{\"version\":\"0."));
}

TEST(command_line, that_is_wrong_exits_with_2) {
  expect(run_jobwatchdog({"sweeep"}), 2, {"sweeep"});
  expect(run_jobwatchdog({"sweep", "--batch-size", "0"}), 2, {"--batch-size"});
  expect(run_jobwatchdog({"sweep", "--batch-size", "many"}), 2, {"--batch-size"});
  expect(run_jobwatchdog({"rules"}), 2, {"subcommand"});
  expect(run_jobwatchdog({"rules", "show"}), 2, {"name"});
  expect(run_jobwatchdog({"sweep", "--max-duration", "soon"}), 2,
         {"--max-duration", "is not a duration", "mend:"});
  expect(run_jobwatchdog({"sweep", "--rule", "stuck-exam"}), 2,
         {"there is no rule \"stuck-exam\"", "did you mean \"stuck-exams\"?"});
  expect(run_jobwatchdog({"rules", "show", "nothing-like-it"}), 2, {"known: stuck-exams, stale-ai-jobs"});
}

TEST(command_line, with_a_wrong_configuration_exits_with_3) {
  const ConfigFile config{"[[rule]]\nname = \"a\"\ntabels = [\"x\"]\n"};
  expect(run_jobwatchdog({"rules", "list", "--config", config.path()}), 3,
         {":3:1", "tabels", "did you mean \"tables\"?"});
  expect(run_jobwatchdog({"rules", "list", "--config", "/nowhere/jobwatchdog.toml"}), 3,
         {"/nowhere/jobwatchdog.toml", "cannot be read"});
  expect(run_jobwatchdog({"rules", "list"}, {{"WATCHDOG_CONFIG", config.path()}}), 3, {"tabels"});
  expect(run_jobwatchdog({"rules", "list"}, {{"WATCHDOG_JOB_STALE_AFTER_MS", "ten"}}), 3,
         {"WATCHDOG_JOB_STALE_AFTER_MS", "milliseconds"});
  expect(run_jobwatchdog({"rules", "list"}, {{"WATCHDOG_MAX_TIMEOUT_MS", "60000"}}), 3,
         {"WATCHDOG_MAX_TIMEOUT_MS", "shorter"});
}

TEST(command_line, obeys_the_thresholds_of_the_environment) {
  EXPECT_THAT(
      run_jobwatchdog({"rules", "show", "stale-ai-jobs"}, {{"WATCHDOG_JOB_STALE_AFTER_MS", "420000"}}).out,
      HasSubstr("older_than  = \"7 min\""));
}

TEST(connection, to_nowhere_exits_with_4_and_says_what_to_check) {
  expect(run_jobwatchdog({"sweep", "--database-url", "postgresql://127.0.0.1:1/x"}), 4,
         {"error: database:", "refused", "mend: check that the server runs"});
  expect(run_jobwatchdog({"sweep", "--database-url", "postgresql://no-such-host.invalid/x"}), 4,
         {"check the host's name"});
  expect(run_jobwatchdog({"sweep"}, {{"PGHOST", "/nowhere"}, {"PGUSER", "x"}}), 4, {"/nowhere"});
}

TEST(connection, with_a_malformed_url_exits_with_3) {
  expect(run_jobwatchdog({"sweep", "--database-url", "postgresql://host:port/x"}), 3,
         {"database url", "write postgresql://"});
  expect(run_jobwatchdog({"sweep", "--database-url", "bananas"}), 3, {"database url"});
}

TEST(connection, with_a_wrong_password_exits_with_4_and_does_not_print_it) {
  Database database = Database::empty();
  database.exec(
      "DO $$ BEGIN CREATE ROLE watch_login LOGIN PASSWORD 'right'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
  const ProcessResult result =
      run_jobwatchdog({"doctor", "--database-url", database.tcp_url("watch_login", "wrongsecret")});
  expect(result, 4, {"password authentication failed", "check user and password"});
  EXPECT_EQ((result.out + result.err).find("wrongsecret"), std::string::npos);
  const ProcessResult right =
      run_jobwatchdog({"rules", "list", "--database-url", database.tcp_url("watch_login", "right")});
  EXPECT_EQ(right.exit_code, 0) << right.err;
}

TEST(connection, to_a_missing_database_exits_with_4) {
  Database database = Database::empty();
  std::string url = database.url();
  url.replace(url.find(database.name()), database.name().size(), "no_such_database");
  expect(run_jobwatchdog({"sweep", "--database-url", url}), 4, {"does not exist", "check the names"});
}

TEST(connection, that_may_only_read_is_refused_with_4) {
  Database database = Database::empty();
  database.exec("ALTER DATABASE " + database.name() + " SET default_transaction_read_only = on");
  expect(run_jobwatchdog({"sweep", "--database-url", database.url()}), 4, {"read-only", "name the primary"});
}

TEST(connection, to_a_hot_standby_is_refused_and_the_primary_beside_it_is_found) {
  Database database = Database::managed();
  const std::string with_standby = (project_root() / "tests/native/with_standby").string();
  const std::string sweep =
      std::string{"PGUSER=postgres PGDATABASE="} + database.name() + " " + jobwatchdog_binary() + " sweep";
  const ProcessResult standby =
      run({with_standby, "sh", "-c", "PGHOST=$STANDBY_SOCKET_DIR PGPORT=$STANDBY_PORT " + sweep},
          {{"DATABASE_URL", ""}, {"WATCHDOG_CONFIG", ""}});
  expect(standby, 4, {"read-only", "name the primary"});
  const std::string url = std::getenv("WATCHDOG_TEST_DATABASE_URL");
  const auto value_of = [&url](const std::string& key) {
    const auto from = url.find(key + "=") + key.size() + 1;
    return url.substr(from, url.find('&', from) - from);
  };
  const ProcessResult both = run({with_standby, "sh", "-c",
                                  "PGHOST=$STANDBY_SOCKET_DIR," + value_of("host") +
                                      " PGPORT=$STANDBY_PORT," + value_of("port") + " " + sweep},
                                 {{"DATABASE_URL", ""}, {"WATCHDOG_CONFIG", ""}});
  EXPECT_EQ(both.exit_code, 0) << both.out << both.err;
}

TEST(connection, as_a_role_that_does_not_exist_is_told) {
  Database database = strange_database();
  const ConfigFile config{std::string{"[database]\nrole = \"nobody_like_that\"\n"} + strange_rules};
  expect(run_with(database, config, {"sweep"}), 1, {"nobody_like_that", "[database] role"});
}

TEST(schema, missing_or_old_exits_with_5_and_says_what_to_run) {
  Database database = Database::empty();
  expect(run_jobwatchdog({"sweep", "--database-url", database.url()}), 5, {"adopt", "migrate"});
  Database old = Database::managed();
  old.exec(
      "DELETE FROM watchdog.schema_migrations WHERE number = (SELECT max(number) FROM watchdog.schema_migrations)");
  expect(run_jobwatchdog({"sweep", "--database-url", old.url()}), 5,
         {"older than this binary", "jobwatchdog migrate"});
  Database other = Database::managed();
  other.exec("UPDATE watchdog.schema_migrations SET checksum = 'x' WHERE number = 0");
  expect(run_jobwatchdog({"sweep", "--database-url", other.url()}), 5, {"another version"});
  EXPECT_EQ(run_jobwatchdog({"migrate", "--database-url", other.url()}).exit_code, 0);
  EXPECT_EQ(run_jobwatchdog({"sweep", "--database-url", other.url()}).exit_code, 0);
}

TEST(schema, newer_is_refused_only_when_it_breaks_older_binaries) {
  Database database = Database::managed();
  database.exec(
      "INSERT INTO watchdog.schema_migrations (number, name, migration_set, breaking, checksum) VALUES (9000, '9000_future', 'managed', false, 'x')");
  EXPECT_EQ(run_jobwatchdog({"sweep", "--database-url", database.url()}).exit_code, 0);
  database.exec("UPDATE watchdog.schema_migrations SET breaking = true WHERE number = 9000");
  expect(run_jobwatchdog({"sweep", "--database-url", database.url()}), 5,
         {"9000_future", "newer jobwatchdog"});
  expect(run_jobwatchdog({"migrate", "--database-url", database.url()}), 5, {"newer"});
}

}  // namespace
}  // namespace jobwatchdog::test
