// Whole lives of jobs, with real processes: nodes that serve, a provider that goes wrong on purpose, webhooks
// over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "native/http/answers_to.hpp"
#include "native/stopwatch.hpp"
#include "tests/native/living_system.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

std::string count_of(Database& database, const std::string& status) {
  return database.value("SELECT count(*) FROM public.ai_jobs WHERE status = '" + status + "'");
}

/// What a node answers to one request.
HttpAnswer answer_of(const LivingSystem& system, const std::string& path, const std::string& body = "") {
  HttpCall call;
  call.method = body.empty() ? "GET" : "POST";
  call.url = system.node_url() + path;
  call.body = body;
  return answers_to({std::move(call)}).front();
}

TEST(life, a_webhook_rings_and_the_job_is_completed_by_the_providers_word) {
  LivingSystem system;
  // Without webhooks nobody would ask within the patience of this test.
  system.set_flag("WATCHDOG_ENABLED", "false");
  BackgroundProcess& node = system.start_node();
  system.start_jobs(2);
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(count_of(system.database(), "completed"), "2");
  EXPECT_EQ(system.database().value(
                "SELECT count(*) FROM watchdog.webhook_inbox WHERE outcome IN ('rung', 'early')"),
            "2");
  EXPECT_EQ(LivingSystem::end(node)["webhooks_repaired"], 0);
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, lost_webhooks_are_repaired_and_told) {
  LivingSystem system{{"--webhook-lost", "100%"}};
  BackgroundProcess& node = system.start_node();
  system.start_jobs(4);
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(count_of(system.database(), "completed"), "4");
  EXPECT_TRUE(
      system.comes_true("(SELECT count(*) = 4 FROM public.audit_log WHERE action = 'webhook_repaired')"));
  // What a turn did is told when it is over.
  std::string metrics;
  const Stopwatch patience;
  do {
    metrics = answer_of(system, "/metrics").body;
  } while (metrics.find("\nwatchdog_webhooks_repaired_total 4\n") == std::string::npos &&
           patience.elapsed() < seconds(10));
  EXPECT_THAT(metrics, HasSubstr("\nwatchdog_webhooks_repaired_total 4\n"));
  EXPECT_THAT(metrics, HasSubstr("watchdog_jobs_settled_total{status=\"completed\"} 4\n"));
  EXPECT_THAT(metrics, HasSubstr("watchdog_provider_slots{account=\"arcano_main\",state=\"free\"} 3\n"));
  EXPECT_THAT(metrics, HasSubstr("\nwatchdog_database_up 1\n"));
  EXPECT_EQ(LivingSystem::end(node)["webhooks_repaired"], 4);
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, failed_tasks_give_their_credits_back_once_each_and_the_limit_is_never_passed) {
  LivingSystem system{{"--task-fails", "50%", "--webhook-lost", "50%", "--seed", "3"}};
  system.start_node();
  system.start_node();
  system.start_jobs(9);
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(system.database().value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'"),
            count_of(system.database(), "failed"));
  EXPECT_EQ(system.database().value("SELECT sum(amount) FROM watchdog.credit_ledger"),
            system.database().value("SELECT -10 * count(*) FROM public.ai_jobs WHERE status = 'completed'"));
  // Beyond its capacity of three the emulator would have refused.
  EXPECT_EQ(
      system.database().value("SELECT count(*) FROM watchdog.submissions WHERE outcome = 'no_capacity'"),
      "0");
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, a_submit_whose_answer_is_lost_is_never_repeated_and_its_webhook_tells_the_task) {
  LivingSystem system{{"--submit-lost", "100%"}};
  BackgroundProcess& node = system.start_node();
  system.start_jobs(2);
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(count_of(system.database(), "completed"), "2");
  EXPECT_EQ(system.database().value("SELECT count(*) FROM watchdog.submissions"), "2");
  LivingSystem::end(node);
  EXPECT_EQ(system.end_provider()["tasks_made"], 2);
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, a_node_that_is_killed_leaves_its_jobs_to_the_others) {
  LivingSystem system{{"--webhook-lost", "100%", "--task-time", "2 s"}};
  BackgroundProcess& first = system.start_node();
  system.start_jobs(3);
  EXPECT_TRUE(system.comes_true("(SELECT count(*) = 3 FROM public.ai_jobs WHERE status = 'running')"));
  first.signal(SIGKILL);
  (void)first.finish();
  system.database().exec(
      "UPDATE watchdog.active_jobs SET lease_until = clock_timestamp()");  // As a minute later.
  system.start_node();
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(count_of(system.database(), "completed"), "3");
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, a_cancel_gives_the_credits_back_at_once_and_reaches_the_provider_before_the_slot_is_free) {
  LivingSystem system{{"--task-time", "5 min"}};
  BackgroundProcess& node = system.start_node();
  system.start_jobs(1);
  EXPECT_TRUE(system.comes_true("(SELECT count(*) = 1 FROM public.ai_jobs WHERE status = 'running')"));
  const std::string id = system.database().value("SELECT id FROM public.ai_jobs");
  const ProcessResult cancelled =
      run_jobwatchdog({"jobs", "cancel", id, "--reason", "asked by the user"}, system.environment());
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.err;
  EXPECT_THAT(cancelled.out, HasSubstr("10 credits went back"));
  EXPECT_EQ(system.database().value(
                "SELECT balance FROM public.upscaler_credits WHERE user_id = md5('user 1')::uuid"),
            "100");
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(LivingSystem::end(node)["ended_tasks"], 1);
  EXPECT_EQ(system.end_provider()["tasks_cancelled"], 1);
  EXPECT_THAT(run_jobwatchdog({"jobs", "show", id}, system.environment()).out,
              HasSubstr("asked by the user"));
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, a_success_after_the_refund_is_kept_beside_and_never_charged_again) {
  LivingSystem system{{"--task-time", "3 s", "--cancel-ignored", "100%"}};
  BackgroundProcess& node = system.start_node();
  system.start_jobs(1);
  EXPECT_TRUE(system.comes_true("(SELECT count(*) = 1 FROM public.ai_jobs WHERE status = 'running')"));
  system.database().exec("SELECT watchdog.cancel_job('veste_ai_jobs', id, true) FROM public.ai_jobs");
  EXPECT_TRUE(system.all_jobs_end());
  EXPECT_EQ(
      system.database().value("SELECT status || ' ' || (late_output_url IS NOT NULL) FROM public.ai_jobs"),
      "cancelled true");
  EXPECT_EQ(system.database().value(
                "SELECT string_agg(kind || ' ' || amount, ', ' ORDER BY id) FROM watchdog.credit_ledger"),
            "charge -10, refund 10");
  EXPECT_EQ(LivingSystem::end(node)["late_results"], 1);
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, one_pass_starts_who_waits_and_settles_who_is_due) {
  LivingSystem system;
  system.start_jobs(2);
  const ProcessResult first = run_jobwatchdog({"reconcile", "--json"}, system.environment());
  EXPECT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(LivingSystem::Json::parse(first.out)["submitted"], 2);
  EXPECT_EQ(count_of(system.database(), "running"), "2");
  system.database().exec(
      "UPDATE watchdog.active_jobs SET next_check_at = clock_timestamp(); SELECT pg_sleep(1.1)");
  system.database().exec("UPDATE public.ai_jobs SET started_at = started_at - interval '1 minute'");
  const ProcessResult second = run_jobwatchdog({"reconcile", "--json"}, system.environment());
  EXPECT_EQ(second.exit_code, 0) << second.err;
  EXPECT_EQ(LivingSystem::Json::parse(second.out)["completed"], 2);
  const ProcessResult third = run_jobwatchdog({"reconcile"}, system.environment());
  EXPECT_EQ(third.out, "nothing was due\n");
  EXPECT_EQ(system.audit().exit_code, 0);
}

TEST(life, passes_add_up_in_their_metrics_file) {
  LivingSystem system;
  const std::string path = std::filesystem::temp_directory_path() / (system.database().name() + ".prom");
  for (int jobs = 1; jobs <= 2; ++jobs) {
    system.start_jobs(jobs);
    ASSERT_EQ(run_jobwatchdog({"reconcile", "--metrics-file", path}, system.environment()).exit_code, 0);
    EXPECT_THAT(read_file(path),
                HasSubstr("watchdog_dispatch_total{result=\"accepted\"} " + std::to_string(jobs)));
  }
  std::filesystem::remove(path);
}

TEST(life, without_a_key_nothing_is_submitted_and_the_cure_is_told) {
  LivingSystem system;
  system.start_jobs(1);
  std::map<std::string, std::string> env = system.environment();
  env["WATCHDOG_RUNNINGHUB_API_KEY"] = "";
  const ProcessResult result = run_jobwatchdog({"reconcile", "--max-duration", "2 s"}, env);
  EXPECT_THAT(result.err, HasSubstr("WATCHDOG_RUNNINGHUB_API_KEY"));
  EXPECT_EQ(count_of(system.database(), "queued"), "1");
  EXPECT_EQ(system.audit().exit_code, 0);
}

/// Posts to the node's door for webhooks; gives the status and the body.
std::pair<int, std::string> ring(const LivingSystem& system, const std::string& path,
                                 const std::string& body) {
  const HttpAnswer answer = answer_of(system, "/functions/v1/" + path, body);
  return {answer.status, answer.body};
}

TEST(life, forged_misshapen_and_repeated_webhooks_are_kept_and_change_nothing) {
  LivingSystem system{{"--task-time", "5 min"}};
  BackgroundProcess& node = system.start_node();
  system.start_jobs(1);
  EXPECT_TRUE(system.comes_true("(SELECT count(*) = 1 FROM public.ai_jobs WHERE status = 'running')"));
  const std::string success = R"({"event":"TASK_END","taskId":"123","eventData":{"status":"SUCCESS"}})";
  EXPECT_EQ(ring(system, "runninghub-webhook/0000", success).first, 200);
  EXPECT_THAT(ring(system, "runninghub-webhook/0000", success).second, HasSubstr("Job not found"));
  EXPECT_EQ(ring(system, "runninghub-webhook/0000", R"({"event":"TASK_END"})").first, 400);
  EXPECT_EQ(ring(system, "runninghub-webhook/0000", "<html>").first, 400);
  EXPECT_THAT(ring(system, "runninghub-webhook", R"({"event":"TASK_START","taskId":"1"})").second,
              HasSubstr("Event ignored"));
  EXPECT_EQ(ring(system, "nothing", success).first, 404);
  EXPECT_EQ(system.database().value("SELECT seen_count FROM watchdog.webhook_inbox WHERE task_id = '123'"),
            "2");
  // Without a token the right task is no more than a ring.
  const std::string task_id = system.database().value("SELECT task_id FROM public.ai_jobs");
  EXPECT_EQ(ring(system, "runninghub-webhook",
                 R"({"event":"TASK_END","taskId":")" + task_id + R"(","eventData":{"status":"SUCCESS"}})")
                .first,
            200);
  EXPECT_TRUE(system.comes_true("(SELECT check_count > 0 FROM watchdog.active_jobs)"));
  EXPECT_EQ(count_of(system.database(), "running"), "1");
  LivingSystem::end(node);
}

}  // namespace
}  // namespace jobwatchdog::test
