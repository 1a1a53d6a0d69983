// The sweep asks the provider before it settles a row that has a task there. Source: design.md section 4.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/living_system.hpp"
#include "tests/native/strange_database.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = LivingSystem::Json;

/// Jobs whose tasks were submitted and whose webhooks came to nobody, so that only a sweep can find out.
class LostJobs {
 public:
  explicit LostJobs(const std::vector<std::string>& faults, int count = 1) : system_(faults) {
    system_.start_jobs(count);
    const ProcessResult submitted = run_jobwatchdog({"reconcile", "--json"}, system_.environment());
    EXPECT_EQ(Json::parse(submitted.out, nullptr, false)["submitted"], count) << submitted.err;
    EXPECT_EQ(database().value("SELECT count(*) FROM public.ai_jobs WHERE status = 'running'"),
              std::to_string(count));
  }

  [[nodiscard]] LivingSystem& system() { return system_; }
  [[nodiscard]] Database& database() { return system_.database(); }

  /// As if the jobs had started so long ago. The tasks at the provider are as old as they are.
  LostJobs& age(const std::string& age) {
    database().exec("UPDATE public.ai_jobs SET started_at = clock_timestamp() - interval '" + age + "'");
    return *this;
  }

  [[nodiscard]] Json sweep(const std::map<std::string, std::string>& settings = {}) {
    std::map<std::string, std::string> environment = system_.environment();
    for (const auto& [name, value] : settings) environment[name] = value;
    const ProcessResult result = run_jobwatchdog({"sweep", "--json"}, environment);
    EXPECT_EQ(result.exit_code, 0) << result.err << result.out;
    const Json json = Json::parse(result.out, nullptr, false);
    EXPECT_EQ(system_.audit().exit_code, 0);
    return json["rules"][1]["tables"][2];
  }

  [[nodiscard]] std::string status() {
    return database().value("SELECT string_agg(DISTINCT status, ' ') FROM public.ai_jobs");
  }
  [[nodiscard]] std::string refunds() {
    return database().value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'");
  }

 private:
  LivingSystem system_;
};

const std::map<std::string, std::string> no_key{{"WATCHDOG_RUNNINGHUB_API_KEY", ""}};
const std::map<std::string, std::string> nobody_answers{{"WATCHDOG_RUNNINGHUB_URL", "http://127.0.0.1:9"}};

TEST(asking_sweep, work_that_the_provider_finished_is_completed_and_never_refunded) {
  LostJobs jobs{{"--task-time", "1 ms"}, 3};
  const Json table = jobs.age("11 min").sweep();
  EXPECT_EQ(table["completed_count"], 3) << table;
  EXPECT_EQ(table["asked_count"], 3);
  EXPECT_EQ(jobs.status(), "completed");
  EXPECT_EQ(jobs.refunds(), "0");
  EXPECT_EQ(jobs.database().value(
                "SELECT count(DISTINCT output_url) FROM public.ai_jobs WHERE output_url LIKE 'http%'"),
            "3")
      << "each has its own result";
  EXPECT_EQ(
      jobs.database().value(
          "SELECT string_agg(said.value ->> 'verdict', ' ') FROM public.audit_log, "
          "jsonb_each(new_data -> 'provider') AS said WHERE action = 'sweep' AND new_data ->> 'status' = 'completed'"),
      "succeeded succeeded succeeded")
      << "the provider's words are evidence";
}

TEST(asking_sweep, twin_without_a_key_the_same_work_is_kept_and_then_lost_to_its_user) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  EXPECT_EQ(jobs.age("11 min").sweep(no_key)["kept_count"], 1);
  EXPECT_EQ(jobs.age("13 min").sweep(no_key)["settled_count"], 1);
  EXPECT_EQ(jobs.status(), "failed");
}

TEST(asking_sweep, a_failed_task_gives_its_credits_back_before_the_hard_deadline) {
  LostJobs jobs{{"--task-time", "1 ms", "--task-fails", "100%"}, 2};
  const Json table = jobs.age("11 min").sweep();
  EXPECT_EQ(table["settled_count"], 2) << table;
  EXPECT_EQ(table["completed_count"], 0);
  EXPECT_EQ(table["refunded_credits"], 20);
  EXPECT_EQ(jobs.status(), "failed");
  EXPECT_EQ(jobs.refunds(), "2");
}

TEST(asking_sweep, a_task_that_lives_is_kept_until_the_hard_deadline_and_then_cancelled_there) {
  LostJobs jobs{{"--task-time", "1 h"}};
  EXPECT_EQ(jobs.age("11 min").sweep()["kept_count"], 1);
  EXPECT_EQ(jobs.status(), "running");
  EXPECT_EQ(jobs.age("13 min").sweep()["settled_count"], 1);
  EXPECT_EQ(jobs.status(), "failed");
  EXPECT_EQ(jobs.refunds(), "1");
  EXPECT_EQ(jobs.system().end_provider()["tasks_cancelled"], 1);
}

TEST(asking_sweep, past_the_hard_deadline_the_provider_is_asked_once_more_and_its_success_counts) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  EXPECT_EQ(jobs.age("1 day").sweep()["completed_count"], 1);
  EXPECT_EQ(jobs.refunds(), "0");
}

TEST(asking_sweep, silence_is_no_verdict_before_the_hard_deadline_and_ends_nothing_after_it_but_the_waiting) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  const Json early = jobs.age("11 min").sweep(nobody_answers);
  EXPECT_EQ(early["kept_count"], 1) << early;
  EXPECT_EQ(early["unanswered_count"], 1);
  EXPECT_EQ(jobs.status(), "running");
  EXPECT_EQ(jobs.age("13 min").sweep(nobody_answers)["settled_count"], 1);
  EXPECT_EQ(jobs.status(), "failed");
  EXPECT_EQ(jobs.refunds(), "1");
}

TEST(asking_sweep, a_dry_run_and_an_explanation_ask_and_change_nothing) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  jobs.age("11 min");
  const ProcessResult dry = run_jobwatchdog({"sweep", "--dry-run"}, jobs.system().environment());
  EXPECT_THAT(dry.out, HasSubstr("the provider finished task"));
  const std::string id = jobs.database().value("SELECT id FROM public.ai_jobs");
  const ProcessResult explained = run_jobwatchdog({"sweep", "--explain", id}, jobs.system().environment());
  EXPECT_THAT(explained.out, HasSubstr("settle as succeeded"));
  EXPECT_EQ(jobs.status(), "running");
}

/// A table of an application's own, with a row for each of `tasks`, started so long ago.
Database own_table(const std::string& tasks, const std::string& age) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE public.renders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, state text NOT NULL DEFAULT 'working', "
      "begun timestamptz NOT NULL, rh_task text, rh_account text NOT NULL DEFAULT 'arcano_main', picture text, ended timestamptz);"
      "INSERT INTO public.renders (begun, rh_task) SELECT now() - interval '" +
      age + "', task FROM unnest(ARRAY[" + tasks + "]::text[]) AS task");
  return database;
}

constexpr const char* own_rule = R"toml(
[[rule]]
name = "renders"
tables = ["public.renders"]
status = "state"
stuck_in = ["working"]
age_of = "begun"
older_than = "10 min"
set = { state = "broken" }
provider = "runninghub"
task = "rh_task"
account = "rh_account"
hard_deadline = "12 min"
succeeded = { state = "ready", picture = "output_url()", ended = "now()" }
)toml";

/// The provider of `jobs`, the application's own database and its rule.
std::map<std::string, std::string> environment_of_own_table(LostJobs& jobs, const Database& database,
                                                            const ConfigFile& config) {
  std::map<std::string, std::string> environment = jobs.system().environment();
  environment["DATABASE_URL"] = database.url();
  environment["WATCHDOG_CONFIG"] = config.path();
  return environment;
}

TEST(asking_sweep, only_rows_with_a_task_are_asked_about) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  const std::string task = jobs.database().value("SELECT task_id FROM public.ai_jobs");
  const Database database = own_table("'" + task + "', NULL, NULL", "11 min");
  const ConfigFile config{own_rule};
  const ProcessResult dry =
      run_jobwatchdog({"sweep", "--dry-run", "--json"}, environment_of_own_table(jobs, database, config));
  const Json table = Json::parse(dry.out, nullptr, false)["rules"][0]["tables"][0];
  EXPECT_EQ(table["asked_count"], 1) << dry.out;
  EXPECT_EQ(table["settled_count"], 3);
}

TEST(asking_sweep, a_table_of_the_users_own_gets_the_result_where_its_rule_says) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  const std::string task = jobs.database().value("SELECT task_id FROM public.ai_jobs");
  Database database = own_table("'" + task + "', NULL", "11 min");
  const ConfigFile config{own_rule};
  const ProcessResult result =
      run_jobwatchdog({"sweep", "--json"}, environment_of_own_table(jobs, database, config));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(
      database.value("SELECT string_agg(state || ' ' || COALESCE(picture LIKE 'http%', false) || ' ' || "
                     "(ended IS NOT NULL), ', ' ORDER BY id) FROM public.renders"),
      "ready true true, broken false false");
}

TEST(asking_sweep, a_row_that_got_another_task_meanwhile_is_not_settled_by_the_word_about_the_old_one) {
  LostJobs jobs{{"--task-time", "1 ms"}};
  const std::string task = jobs.database().value("SELECT task_id FROM public.ai_jobs");
  Database database = own_table("'" + task + "'", "11 min");
  const ConfigFile config{own_rule};
  std::map<std::string, std::string> environment = environment_of_own_table(jobs, database, config);
  // A worker takes the row up again while the provider is being asked.
  environment["WATCHDOG_FAILPOINT"] =
      "after_asking=psql -Xq '" + database.url() + "' -c \"UPDATE public.renders SET rh_task = '1'\"";
  const ProcessResult result = run_jobwatchdog({"sweep", "--json"}, environment);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(database.value("SELECT state || ' ' || rh_task FROM public.renders"), "working 1");
}

}  // namespace
}  // namespace jobwatchdog::test
