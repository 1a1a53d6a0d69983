// The sweep when the world breaks at a chosen place: its connection at each request, the process at a
// failpoint.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>

#include "tests/sql/seed.hpp"
#include "tests/support/faulty_proxy.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

int server_port() { return std::stoi(std::getenv("WATCHDOG_TEST_TCP_PORT")); }

void make_role(Database& database) {
  database.exec(
      "DO $$ BEGIN CREATE ROLE cut_role LOGIN SUPERUSER PASSWORD 'cut'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
}

/// A sweep whose connection breaks at its `place`-th request; `struck` tells whether it made so many.
ProcessResult cut_sweep(const Database& database, FaultManner manner, int place, bool& struck) {
  std::atomic<int> left{place};
  const FaultyProxy proxy{server_port(),
                          {FaultPhase::before_request, manner, [&left] { return --left == 0; }}};
  const ProcessResult result = run_jobwatchdog(
      {"sweep", "--database-url",
       "postgresql://cut_role:cut@127.0.0.1:" + std::to_string(proxy.port()) + "/" + database.name()});
  struck = left <= 0;
  return result;
}

TEST(broken_connection, at_any_request_ends_with_0_or_4_and_isolates_nothing_and_each_job_is_paid_once) {
  Database database = Database::managed();
  make_role(database);
  bool struck = true;
  int place = 0;
  while (struck) {
    add_job(database, {.cost = 1});
    ++place;
    const FaultManner manner = place % 2 == 0 ? FaultManner::reset : FaultManner::half;
    const ProcessResult result = cut_sweep(database, manner, place, struck);
    EXPECT_TRUE(result.exit_code == 0 || result.exit_code == 4)
        << "request " << place << ": " << result.exit_code << result.out << result.err;
    EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.isolated_rows"), "0") << place;
  }
  EXPECT_GE(place, 20) << "a sweep makes more requests than that, and each was cut";
  EXPECT_EQ(balance(database), "1000") << "the last sweep was not cut";
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'"),
            std::to_string(place));
}

TEST(broken_connection, a_failpoint_strikes_at_the_passing_that_is_asked_for_and_at_no_other) {
  struct Case {
    const char* failpoint;
    int exit_code;
    const char* settled_count;
  };
  for (const Case& c :
       {Case{"after_commit", 137, "1"}, Case{"after_commit@3", 137, "3"}, Case{"before_commit@3", 137, "2"},
        Case{"after_commit@9", 0, "4"}, Case{"after_com@1", 0, "4"}}) {
    Database database = Database::managed();
    for (int i = 0; i < 4; ++i) add_job(database);
    EXPECT_EQ(run_jobwatchdog({"sweep", "--batch-size", "1", "--database-url", database.url()},
                              {{"WATCHDOG_FAILPOINT", std::string{c.failpoint} + "=kill -9 $PPID"}})
                  .exit_code,
              c.exit_code)
        << c.failpoint;
    EXPECT_EQ(database.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'failed'"), c.settled_count)
        << c.failpoint;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
