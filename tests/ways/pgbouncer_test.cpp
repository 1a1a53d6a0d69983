// Through PgBouncer in transaction mode, where two transactions of one client may meet two servers and one
// server serves many clients: every command works, and no transaction leaves anything behind for the next
// client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pqxx/pqxx>
#include <set>

#include "tests/native/strange_database.hpp"
#include "tests/sql/seed.hpp"
#include "tests/support/companion.hpp"
#include "tests/support/paths.hpp"
#include "tests/ways/managed_rules.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

constexpr std::size_t pool_size = 4;

class pgbouncer : public testing::Test {
 protected:
  [[nodiscard]] std::string url(const Database& database, const std::string& user = "postgres") const {
    return "postgresql://" + user + "@/" + database.name() + "?host=" + pooler_.fact("POOL_SOCKET_DIR") +
           "&port=" + pooler_.fact("POOL_PORT");
  }

  [[nodiscard]] ProcessResult run_pooled(const Database& database, std::vector<std::string> arguments,
                                         const std::map<std::string, std::string>& env = {}) const {
    arguments.insert(arguments.end(), {"--database-url", url(database)});
    return run_jobwatchdog(arguments, env);
  }

  /// What a client finds on each server connection of the pool: all are held at once, so that none is seen
  /// twice.
  [[nodiscard]] std::vector<std::string> found_on_each_server(const Database& database) const {
    std::vector<std::unique_ptr<pqxx::connection>> clients;
    std::vector<std::unique_ptr<pqxx::work>> transactions;
    std::set<std::string> processes;
    std::vector<std::string> found;
    for (std::size_t i = 0; i < pool_size; ++i) {
      clients.push_back(std::make_unique<pqxx::connection>(url(database)));
      transactions.push_back(std::make_unique<pqxx::work>(*clients.back()));
      const auto row = transactions.back()->exec1(
          "SELECT pg_backend_pid(), concat_ws('|', current_user, current_setting('role'), "
          "current_setting('statement_timeout'), current_setting('lock_timeout'), "
          "current_setting('idle_in_transaction_session_timeout'), current_setting('DateStyle'), "
          "current_setting('enable_bitmapscan'), current_setting('transaction_isolation'), "
          "coalesce(current_setting('request.jwt.claims', true), ''), "
          "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()))");
      processes.insert(row[0].c_str());
      found.emplace_back(row[1].c_str());
    }
    EXPECT_EQ(processes.size(), pool_size) << "each server connection was looked at";
    return found;
  }

  Companion pooler_{{(project_root() / "tests/ways/with_pgbouncer").string()}};
};

/// What a client finds that comes first.
constexpr const char* nothing_left = "postgres|none|0|0|0|ISO, MDY|on|read committed||0";

/// A configuration that says more than any other: a role and settings in every transaction.
std::string with_role(const std::string& rules) {
  return "[database]\nrole = \"service_role\"\nsettings = { \"request.jwt.claims\" = '{\"role\":\"service_role\"}' }\n" +
         rules;
}

void add_many_jobs(Database& database, int count) {
  database.exec(
      "INSERT INTO public.upscaler_jobs (user_id, status, user_credit_cost, credits_charged, created_at) "
      "SELECT md5((i % 20)::text)::uuid, 'running', 5, true, now() - interval '1 h' FROM generate_series(1, " +
      std::to_string(count) + ") AS i");
}

TEST_F(pgbouncer, carries_every_command_from_an_empty_database_to_a_clean_audit) {
  Database database = Database::empty();
  for (const char* command : {"migrate", "migrate"}) {
    const ProcessResult migrated = run_pooled(database, {command});
    EXPECT_EQ(migrated.exit_code, 0) << migrated.err;
  }
  add_many_jobs(database, 30);
  const ConfigFile config{with_role(managed_rules())};
  const ProcessResult check =
      run_pooled(database, {"rules", "check", "--rehearse", "--config", config.path()});
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_THAT(check.out, HasSubstr("can be settled (rolled back)"));
  const ProcessResult dry = run_pooled(database, {"sweep", "--dry-run", "--config", config.path()});
  EXPECT_THAT(dry.out, HasSubstr("would settle 30 of 30")) << dry.err;
  EXPECT_EQ(database.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'running'"), "30");
  const ProcessResult swept = run_pooled(database, {"sweep", "--batch-size", "7", "--config", config.path()});
  EXPECT_EQ(swept.exit_code, 0) << swept.out << swept.err;
  EXPECT_THAT(swept.out, HasSubstr("settled 30 of 30"));
  EXPECT_EQ(database.value("SELECT sum(balance) FROM public.upscaler_credits"), "150");
  const ProcessResult audit = run_pooled(database, {"audit"});
  EXPECT_EQ(audit.exit_code, 0) << audit.out << audit.err;
}

TEST_F(pgbouncer, carries_adopt_and_its_rules_on_a_strange_schema) {
  Database database = strange_database();
  add_tasks(database, 3);
  const ProcessResult adopted = run_pooled(database, {"adopt"});
  ASSERT_EQ(adopted.exit_code, 0) << adopted.err;
  const ConfigFile config{adopted.out};
  const ProcessResult swept = run_pooled(database, {"sweep", "--config", config.path()});
  EXPECT_EQ(swept.exit_code, 0) << swept.out << swept.err;
  EXPECT_EQ(database.value("SELECT saldo FROM public.saldos"), "30");
}

TEST_F(pgbouncer, is_recognized_by_doctor_and_a_direct_connection_is_not_taken_for_one) {
  Database database = Database::managed();
  const ProcessResult pooled = run_pooled(database, {"doctor"});
  EXPECT_EQ(pooled.exit_code, 0) << pooled.out << pooled.err;
  EXPECT_THAT(pooled.out, HasSubstr("ok       pooler: a pooler in transaction mode"));
  EXPECT_THAT(pooled.out,
              HasSubstr("warning  listening: the database's own connection goes through a pooler"));
  EXPECT_THAT(run_pooled(database, {"doctor", "--direct-database-url", database.url()}).out,
              HasSubstr("ok       listening: changes are heard by --direct-database-url"));
  EXPECT_THAT(run_jobwatchdog({"doctor", "--database-url", database.url()}).out,
              HasSubstr("a direct connection"));
}

TEST_F(pgbouncer, lets_ten_sweeps_at_once_pay_each_job_once_and_finds_nothing_left_behind) {
  Database database = Database::managed();
  add_many_jobs(database, 1000);
  const ConfigFile config{with_role(managed_rules())};
  for (const ProcessResult& result :
       run_at_once(10, {jobwatchdog_binary(), "sweep", "--batch-size", "25", "--config", config.path(),
                        "--database-url", url(database)})) {
    EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  }
  EXPECT_EQ(database.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'failed'"), "1000");
  EXPECT_EQ(database.value("SELECT sum(balance) FROM public.upscaler_credits"), "5000");
  EXPECT_EQ(database.value("SELECT sum(settled_count) FROM watchdog.sweep_runs"), "1000") << "disjoint work";
  EXPECT_EQ(unexplained_balances(database), "0");
  EXPECT_EQ(found_on_each_server(database), std::vector<std::string>(pool_size, nothing_left));
}

TEST_F(pgbouncer, would_show_what_a_session_setting_leaves_behind) {
  Database database = Database::empty();
  {
    pqxx::connection careless{url(database)};
    pqxx::nontransaction work{careless};
    work.exec("SET statement_timeout = '7s'");
  }
  EXPECT_THAT(found_on_each_server(database), testing::Contains(HasSubstr("|7s|")))
      << "the twin: the test above would notice a setting that outlives its transaction";
}

TEST_F(pgbouncer, carries_the_lock_that_tells_sweeps_of_each_other) {
  Database database = Database::managed();
  add_job(database);
  const std::string other =
      jobwatchdog_binary() + " sweep --fail-if-locked --database-url '" + url(database) + "'";
  const std::string answer = std::filesystem::temp_directory_path() / ("other-" + database.name());
  const ProcessResult first = run_pooled(
      database, {"sweep"},
      {{"WATCHDOG_FAILPOINT", "before_batch=" + other + " 2> " + answer + "; echo $? >> " + answer}});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_THAT(read_file(answer), HasSubstr("another sweep is running"));
  EXPECT_THAT(read_file(answer), HasSubstr("\n7\n"));
  std::filesystem::remove(answer);
  EXPECT_EQ(run_pooled(database, {"sweep", "--fail-if-locked"}).exit_code, 0) << "the lock is free again";
}

TEST_F(pgbouncer, refuses_startup_parameters_and_the_message_says_where_they_come_from) {
  Database database = Database::managed();
  const ProcessResult result = run_pooled(database, {"sweep"}, {{"PGOPTIONS", "-c statement_timeout=5s"}});
  EXPECT_EQ(result.exit_code, 4) << result.out;
  EXPECT_THAT(result.err, HasSubstr("unsupported startup parameter"));
  EXPECT_THAT(result.err, HasSubstr("PGOPTIONS"));
}

TEST_F(pgbouncer, whose_server_connections_are_cut_in_the_middle_of_a_batch_is_survived) {
  Database database = Database::managed();
  for (int i = 0; i < 3; ++i) add_job(database);
  const std::string cut =
      "after_settle=psql -qAt '" + database.url() +
      "' -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
      "application_name = 'jobwatchdog' AND pid <> pg_backend_pid()\" > /dev/null";
  const ProcessResult result = run_pooled(database, {"sweep", "--json"}, {{"WATCHDOG_FAILPOINT", cut}});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out, nullptr, false)["settled_count"], 3);
  EXPECT_EQ(balance(database), "1000");
}

}  // namespace
}  // namespace jobwatchdog::test
