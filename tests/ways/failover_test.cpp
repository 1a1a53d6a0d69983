// Failover in the middle of a sweep: the primary is killed at once, its standby takes over, and the sweep
// goes on there. Each credit comes back once, and the report claims what the surviving database gained, no
// more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/sql/seed.hpp"
#include "tests/support/commit_swallowing_proxy.hpp"
#include "tests/support/companion.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// The sweep is refused more often than the six times that anything else is tried.
constexpr const char* many = "8";
/// It is refused, and then there is a new primary.
constexpr const char* few = "2";
/// The sweep finds the new primary ready.
constexpr const char* none = "0";

/// A primary with charged jobs that are stuck, its streaming standby, and a sweep over both.
class FailoverPair {
 public:
  FailoverPair()
      : servers_({script("tests/ways/with_cluster"), script("tests/native/with_standby")}),
        primary_(Database::existing(created(servers_.fact("CLUSTER_URL")))) {
    EXPECT_EQ(run_jobwatchdog({"migrate", "--quiet", "--database-url", primary_.url()}).exit_code, 0);
    ensure_role(primary_, "failing_over", "LOGIN SUPERUSER PASSWORD 'failing'");
    for (int i = 0; i < job_count; ++i) add_job(primary_, {.age = std::to_string(i + 60) + " min"});
  }

  static constexpr int job_count = 6;

  /// From now on a commit is acknowledged when the standby has it.
  void make_synchronous() {
    primary_.exec("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary_.exec("SELECT pg_reload_conf()");
    primary_.exec("CREATE TABLE seen_by_the_standby ()");
  }

  /// From now on the standby receives nothing: what is committed is lost with the primary.
  void cut_the_standby_off() {
    Database standby = Database::existing(servers_.fact("STANDBY_URL"));
    standby.exec("ALTER SYSTEM SET primary_conninfo = ''");
    standby.exec("SELECT pg_reload_conf()");
    while (primary_.value("SELECT count(*) FROM pg_stat_replication") != "0")
      primary_.exec("SELECT pg_sleep(0.02)");
  }

  /// Sweeps in batches of two; at `failpoint` the primary dies. `port` stands for its own, when a proxy is
  /// before it.
  [[nodiscard]] ProcessResult sweep(const std::string& failpoint, const std::string& refusal_count,
                                    const std::string& sql = "SELECT", const std::string& port = "",
                                    const std::vector<std::string>& more = {},
                                    const std::string& command_after = "") const {
    std::map<std::string, std::string> env = servers_.facts();
    env["WATCHDOG_FAILPOINT"] = failpoint + "='" + script("tests/ways/fail_over") + "' $PPID " +
                                refusal_count + " '" + sql + "'" + command_after;
    env["PGPASSWORD"] = "failing";
    const std::string url = "host=127.0.0.1," + servers_.fact("STANDBY_SOCKET_DIR") +
                            " port=" + (port.empty() ? servers_.fact("CLUSTER_PORT") : port) + "," +
                            servers_.fact("STANDBY_PORT") +
                            " user=failing_over target_session_attrs=read-write dbname=" + primary_.name();
    std::vector<std::string> arguments{"sweep", "--json", "--batch-size", "2", "--database-url", url};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_jobwatchdog(arguments, env);
  }

  [[nodiscard]] Database survivor() const {
    std::string url = servers_.fact("STANDBY_URL");
    return Database::existing(url.replace(url.find("/postgres?"), 10, "/" + primary_.name() + "?"));
  }

  [[nodiscard]] int primary_port() const { return std::stoi(servers_.fact("CLUSTER_PORT")); }

 private:
  static std::string script(const std::string& path) { return (project_root() / path).string(); }

  static std::string created(std::string url) {
    const std::string name = "failover_" + std::to_string(getpid());
    Database cluster = Database::existing(url);
    cluster.exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
    cluster.exec("CREATE DATABASE " + name);
    return url.replace(url.find("/postgres?"), 10, "/" + name + "?");
  }

  Companion servers_;
  Database primary_;
};

/// The report, which must claim just what the database gained, and a clean audit.
json expect_honest(const ProcessResult& result, Database& survivor) {
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  const json report = json::parse(result.out, nullptr, false);
  EXPECT_EQ(std::to_string(report.value("settled_count", -1)),
            survivor.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'failed'"));
  EXPECT_EQ(std::to_string(report.value("refunded_count", -1)),
            survivor.value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'"));
  const ProcessResult audit = run_jobwatchdog({"audit", "--database-url", survivor.url()});
  EXPECT_EQ(audit.exit_code, 0) << audit.out << audit.err;
  return report;
}

void expect_to_survive(const std::string& failpoint, const char* refusals) {
  FailoverPair pair;
  pair.make_synchronous();
  const ProcessResult result = pair.sweep(failpoint, refusals);
  Database survivor = pair.survivor();
  const json report = expect_honest(result, survivor);
  EXPECT_EQ(report["settled_count"], FailoverPair::job_count) << failpoint;
  EXPECT_EQ(balance(survivor), "1000") << failpoint;
  EXPECT_EQ(survivor.value("SELECT outcome FROM watchdog.sweep_runs"), "done") << failpoint;
  EXPECT_EQ(report["server_changed"], true);
}

TEST(failover, between_two_batches_is_survived) { expect_to_survive("before_batch", few); }
TEST(failover, in_the_middle_of_a_batch_is_survived) { expect_to_survive("after_settle", many); }
TEST(failover, before_a_commit_is_survived) { expect_to_survive("before_commit", few); }
TEST(failover, after_a_commit_is_survived) { expect_to_survive("after_commit", few); }

/// The answer to a COMMIT is lost, and then the server that could tell what became of it.
class LostAnswer {
 public:
  [[nodiscard]] ProcessResult sweep(const std::string& sql = "SELECT") {
    const ProcessResult result = pair.sweep("after_commit", none, sql, std::to_string(proxy.port()));
    EXPECT_TRUE(proxy.has_swallowed());
    return result;
  }

  FailoverPair pair;
  CommitSwallowingProxy proxy{pair.primary_port()};
};

TEST(failover, with_a_lost_answer_to_commit_finds_the_batch_on_the_new_primary_and_counts_it) {
  LostAnswer lost;
  lost.pair.make_synchronous();
  const ProcessResult result = lost.sweep();
  Database survivor = lost.pair.survivor();
  const json report = expect_honest(result, survivor);
  EXPECT_EQ(report["settled_count"], FailoverPair::job_count);
}

/// Somebody else's transactions, so many that they use up the numbers of those that were lost.
constexpr const char* use_up_numbers =
    "DO $$ BEGIN FOR i IN 1..300 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$";

TEST(failover,
     that_loses_a_commit_with_its_answer_claims_nothing_for_it_even_when_its_number_was_given_away) {
  LostAnswer lost;
  lost.pair.cut_the_standby_off();
  const ProcessResult result = lost.sweep(use_up_numbers);
  Database survivor = lost.pair.survivor();
  const json report = expect_honest(result, survivor);
  EXPECT_EQ(report["settled_count"], FailoverPair::job_count) << "the lost batch was settled again";
  EXPECT_EQ(balance(survivor), "1000");
}

TEST(failover, that_loses_an_acknowledged_commit_is_told_and_repaired_by_the_next_sweep) {
  FailoverPair pair;
  pair.cut_the_standby_off();
  const ProcessResult result = pair.sweep("after_commit", few);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.err, HasSubstr("rows that were settled before may be stuck again"));
  EXPECT_EQ(json::parse(result.out, nullptr, false)["server_changed"], true);
  Database survivor = pair.survivor();
  EXPECT_EQ(survivor.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'running'"), "2")
      << "the twin: a commit was lost";
  const ProcessResult next = run_jobwatchdog({"sweep", "--json", "--database-url", survivor.url()});
  EXPECT_EQ(json::parse(next.out, nullptr, false)["settled_count"], 2) << next.err;
  EXPECT_EQ(balance(survivor), "1000");
  EXPECT_EQ(survivor.value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'"), "6");
  EXPECT_EQ(run_jobwatchdog({"audit", "--database-url", survivor.url()}).exit_code, 0);
}

TEST(failover, without_a_standby_that_takes_over_ends_at_max_duration_with_4) {
  FailoverPair pair;
  const ProcessResult result = pair.sweep("after_settle", "1000000", "SELECT", "", {"--max-duration", "2 s"});
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
  EXPECT_EQ(json::parse(result.out, nullptr, false)["settled_count"], 0);
}

TEST(failover, is_waited_for_no_longer_once_a_signal_asks_to_stop) {
  FailoverPair pair;
  pair.make_synchronous();
  const ProcessResult result = pair.sweep("after_settle", "1000000", "SELECT", "", {}, "; kill -TERM $PPID");
  EXPECT_EQ(result.exit_code, 143) << result.out << result.err;
}

}  // namespace
}  // namespace jobwatchdog::test
