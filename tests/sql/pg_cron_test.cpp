// The real pg_cron runs both cleanups, without the binary, by the file that users are given.
#include <gtest/gtest.h>

#include <chrono>
#include <pqxx/pqxx>
#include <thread>

#include "tests/sql/seed.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

/// pg_cron lives in one database of a cluster, so these tests share it. They empty it and never drop it: a
/// dropped database ends the scheduler for good, because PostgreSQL does not restart a worker that was told
/// to stop.
class pg_cron : public ::testing::Test {
 protected:
  static constexpr const char* database_name = "cron_test";

  void SetUp() override {
    auto bootstrap = Database::empty();
    {
      pqxx::connection connection{bootstrap.url()};
      pqxx::nontransaction work{connection};
      if (work.exec1("SELECT current_setting('cron.database_name', true)")[0].as<std::string>("") !=
          database_name) {
        FAIL() << "the test cluster must preload pg_cron with cron.database_name = " << database_name;
      }
      if (work.exec(std::string("SELECT FROM pg_database WHERE datname = '") + database_name + "'").empty()) {
        work.exec(std::string("CREATE DATABASE ") + database_name);
      }
    }
    url_ = bootstrap.url();
    url_.replace(url_.find(bootstrap.name()), bootstrap.name().size(), database_name);
    run_sql(
        "CREATE EXTENSION IF NOT EXISTS pg_cron SCHEMA pg_catalog; SELECT cron.unschedule(jobid) FROM cron.job; DELETE FROM cron.job_run_details;"
        "DROP SCHEMA IF EXISTS watchdog CASCADE; DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public;"
        "CREATE EXTENSION IF NOT EXISTS pg_cron SCHEMA pg_catalog");
    const auto migrated = run_jobwatchdog({"migrate", "--database-url", url_});
    ASSERT_EQ(migrated.exit_code, 0) << migrated.err;
    run_file();
  }

  void TearDown() override {
    if (!url_.empty()) run_sql("SELECT cron.unschedule(jobid) FROM cron.job");
  }

  std::string run_sql(const std::string& sql) const {
    pqxx::connection connection{url_};
    pqxx::nontransaction work{connection};
    const auto result = work.exec(sql);
    return result.empty() || result[0].size() == 0 || result[0][0].is_null() ? "" : result[0][0].c_str();
  }

  void run_file() const { run_sql(read_file(project_root() / "sql/pg_cron.sql")); }

  /// As often as this pg_cron can: before 1.5 it knows no seconds.
  void hurry(const std::string& job_name) const {
    const auto again = [&](const std::string& schedule) {
      run_sql("SELECT cron.schedule(jobname, '" + schedule + "', command) FROM cron.job WHERE jobname = '" +
              job_name + "'");
    };
    try {
      again("1 seconds");
    } catch (const pqxx::sql_error&) {
      again("* * * * *");
    }
  }

  bool becomes(const std::string& sql, const std::string& expected) const {
    for (int i = 0; i < 900; ++i) {
      if (run_sql(sql) == expected) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }

  std::string url_;
};

TEST_F(pg_cron, runs_both_cleanups) {
  run_sql(
      "INSERT INTO public.upscaler_jobs (user_id, status, user_credit_cost, credits_charged, queued_at) VALUES ('" +
      alice +
      "', 'queued', 60, true, now() - interval '1 hour');"
      "INSERT INTO public.exams (user_id, status, updated_at) VALUES ('" +
      alice + "', 'analyzing', now() - interval '1 hour')");
  hurry("jobwatchdog-stale-ai-jobs");
  hurry("jobwatchdog-stuck-exams");
  EXPECT_TRUE(becomes(
      "SELECT count(DISTINCT jobname) FROM cron.job_run_details JOIN cron.job USING (jobid) WHERE status = 'succeeded'",
      "2"))
      << run_sql("SELECT string_agg(job_run_details::text, E'\\n') FROM cron.job_run_details");
  EXPECT_EQ(run_sql("SELECT status FROM public.upscaler_jobs"), "failed");
  EXPECT_EQ(run_sql("SELECT balance FROM public.upscaler_credits"), "60");
  EXPECT_EQ(run_sql("SELECT status FROM public.exams"), "pending");
}

TEST_F(pg_cron, is_scheduled_once_however_often_the_file_is_run) {
  run_file();
  EXPECT_EQ(
      run_sql(
          "SELECT string_agg(jobname || ' ' || schedule || ' ' || active, ', ' ORDER BY jobname) FROM cron.job"),
      "jobwatchdog-prune-cron-history 17 3 * * * true, jobwatchdog-stale-ai-jobs */5 * * * * true, "
      "jobwatchdog-stuck-exams */5 * * * * true");
}

TEST_F(pg_cron, holds_no_secret_and_calls_nothing_outside) {
  EXPECT_EQ(
      run_sql(
          "SELECT count(*) FROM cron.job WHERE command ~* '(bearer|authorization|apikey|secret|eyJ|http|net\\.)'"),
      "0");
  // The twin: the look finds a token.
  run_sql("SELECT cron.schedule('leak', '0 0 1 1 *', $$SELECT 'Bearer abc'$$)");
  EXPECT_EQ(
      run_sql(
          "SELECT count(*) FROM cron.job WHERE command ~* '(bearer|authorization|apikey|secret|eyJ|http|net\\.)'"),
      "1");
}

TEST_F(pg_cron, history_is_pruned_after_a_week) {
  run_sql(
      "INSERT INTO cron.job_run_details (runid, jobid, start_time) VALUES (900001, 1, now() - interval '8 days'), (900002, 1, now())");
  run_sql(run_sql("SELECT command FROM cron.job WHERE jobname = 'jobwatchdog-prune-cron-history'"));
  EXPECT_EQ(run_sql("SELECT string_agg(runid::text, ',') FROM cron.job_run_details WHERE runid > 900000"),
            "900002");
}

}  // namespace
}  // namespace jobwatchdog::test
