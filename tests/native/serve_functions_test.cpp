// The functions that pages call, one law each: what they answer, and what has changed afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/native/served.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

const std::string queue = "runninghub-queue-manager/";

class functions : public testing::Test {
 protected:
  Json call(const std::string& name, const Json& body, const Headers& headers) {
    return served_.function(name, body, headers);
  }

  Served served_;
};

TEST_F(functions, run_charges_once_and_tells_the_place_in_the_queue) {
  const std::string job_id = served_.pending_job();
  const Json first = call("runninghub-veste-ai/run", {{"jobId", job_id}}, as_user(owner_id));
  EXPECT_EQ(first["success"], true) << first;
  EXPECT_EQ(first["queued"], true);
  EXPECT_EQ(first["position"], 1);
  EXPECT_EQ(first["totalQueued"], 1);
  EXPECT_EQ(served_.balance_of(owner_id), "90");
  EXPECT_EQ(served_.wake_count(), 1);
  const Json second = call("runninghub-veste-ai/run", {{"jobId", job_id}}, as_user(owner_id));
  EXPECT_EQ(second["success"], true) << second;
  EXPECT_EQ(second["duplicate"], true);
  EXPECT_EQ(served_.balance_of(owner_id), "90");
}

TEST_F(functions, run_tells_the_task_of_a_job_that_has_one) {
  const Json answer = call("runninghub-veste-ai/run", {{"jobId", served_.running_job()}}, as_user(owner_id));
  EXPECT_EQ(answer["taskId"], "1900000000000000001") << answer;
  EXPECT_EQ(answer["accountUsed"], "arcano_main");
}

TEST_F(functions, run_is_of_its_own_tool_alone) {
  const std::string job_id = served_.pending_job();
  EXPECT_EQ(call("runninghub-upscaler/run", {{"jobId", job_id}}, as_user(owner_id))["httpStatus"], 404);
  EXPECT_EQ(served_.status_of(job_id), "pending");
}

TEST_F(functions, run_refuses_a_second_active_job_and_names_the_first) {
  const std::string first = served_.queued_job();
  const Json answer = call(queue + "run-or-queue", job_named(served_.pending_job()), as_user(owner_id));
  EXPECT_EQ(answer["httpStatus"], 409) << answer;
  EXPECT_EQ(answer["code"], "DUPLICATE_ACTIVE_JOB");
  EXPECT_EQ(answer["activeJobId"], first);
  EXPECT_EQ(answer["activeStatus"], "queued");
}

TEST_F(functions, run_without_credits_or_sense_changes_nothing) {
  const std::string job_id = served_.pending_job();
  served_.database().exec("UPDATE public.upscaler_credits SET balance = 3 WHERE user_id = '" + owner_id +
                          "'");
  const Json poor = call("runninghub-veste-ai/run", {{"jobId", job_id}}, as_user(owner_id));
  EXPECT_EQ(poor["httpStatus"], 402);
  EXPECT_EQ(poor["code"], "INSUFFICIENT_CREDITS");
  EXPECT_THAT(poor["error"], HasSubstr("costs 10 credits, 3 are left"));
  const std::string senseless =
      served_.database().value("SELECT watchdog.create_job('veste_ai_jobs', '" + other_id +
                               "', '{\"inputs\": {\"person\": \"a\"}}', 10)");
  const Json answer = call("runninghub-veste-ai/run", {{"jobId", senseless}}, as_user(other_id));
  EXPECT_EQ(answer["httpStatus"], 400);
  EXPECT_THAT(answer["error"], HasSubstr("clothing"));
  EXPECT_EQ(served_.status_of(job_id), "pending");
  EXPECT_EQ(served_.balance_of(other_id), "100");
}

TEST_F(functions, job_sync_tells_each_state_in_the_words_of_the_hook) {
  const auto sync = [&](const std::string& job_id) {
    return call("runninghub-job-sync", job_named(job_id), as_user(owner_id));
  };
  const std::string job_id = served_.pending_job();
  Json answer = sync(job_id);
  EXPECT_EQ(answer["status"], "pending") << answer;
  EXPECT_EQ(answer["reason"], "no_task_id");
  EXPECT_EQ(answer["synced"], false);
  EXPECT_THAT(answer["serverNow"], testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"));
  EXPECT_GT(answer["deadlineAt"], answer["serverNow"]);
  served_.database().exec("SELECT watchdog.cancel_job('veste_ai_jobs', '" + job_id + "', true)");
  answer = sync(job_id);
  EXPECT_EQ(answer["status"], "cancelled");
  EXPECT_EQ(answer["reason"], "already_terminal");
  EXPECT_EQ(answer["deadlineAt"], nullptr);
  answer = sync(served_.running_job());
  EXPECT_EQ(answer["status"], "running") << answer;
  EXPECT_EQ(answer["reason"], "still_processing");
}

TEST_F(functions, job_sync_rings_for_a_job_that_was_not_asked_about_lately) {
  const std::string job_id = served_.running_job();
  served_.database().exec(
      "UPDATE watchdog.active_jobs SET next_check_at = now() + interval '1 h', leased_at = now() - interval '11 s'");
  (void)call("runninghub-job-sync", job_named(job_id), as_user(owner_id));
  EXPECT_EQ(
      served_.database().value(
          "SELECT next_check_at <= clock_timestamp() AND rung_at IS NOT NULL FROM watchdog.active_jobs"),
      "t");
  EXPECT_EQ(served_.wake_count(), 1);
  served_.database().exec(
      "UPDATE watchdog.active_jobs SET next_check_at = now() + interval '1 h', leased_at = now(), rung_at = NULL");
  (void)call("runninghub-job-sync", job_named(job_id), as_user(owner_id));
  EXPECT_EQ(served_.database().value("SELECT rung_at IS NULL FROM watchdog.active_jobs"), "t");
  EXPECT_EQ(served_.wake_count(), 1);
}

TEST_F(functions, job_sync_answers_a_batch_in_its_order_and_hides_what_is_foreign) {
  const std::string own = served_.pending_job();
  const std::string foreign = served_.pending_job(other_id);
  const Json answer =
      call("runninghub-job-sync", {{"jobs", {job_named(foreign), job_named(own), job_named(own)}}},
           as_user(owner_id));
  ASSERT_EQ(answer["results"].size(), 3U) << answer;
  EXPECT_EQ(answer["results"][0]["httpStatus"], 404);
  EXPECT_EQ(answer["results"][0]["jobId"], foreign);
  EXPECT_EQ(answer["results"][1]["status"], "pending");
  EXPECT_EQ(answer["results"][2]["table"], "veste_ai_jobs");
  Json many = Json::array();
  for (int i = 0; i < 101; ++i) many.push_back(job_named(own));
  EXPECT_EQ(call("runninghub-job-sync", {{"jobs", many}}, as_user(owner_id))["httpStatus"], 400);
  many.erase(0);
  EXPECT_EQ(call("runninghub-job-sync", {{"jobs", many}}, as_user(owner_id))["results"].size(), 100U);
}

TEST_F(functions, admin_cancel_refunds_once_and_leaves_its_reason) {
  const std::string job_id = served_.queued_job();
  Json body = job_named(job_id);
  body["reason"] = "asked by phone";
  const Json answer = call("admin-cancel-job", body, as_user(admin_id));
  EXPECT_EQ(answer,
            (Json{{"success", true}, {"refundedAmount", 10}, {"status", "cancelled"}, {"httpStatus", 200}}));
  const Json again = call("admin-cancel-job", body, as_user(admin_id));
  EXPECT_EQ(again["httpStatus"], 409);
  EXPECT_EQ(again["error"], "Job is already cancelled");
  EXPECT_EQ(served_.balance_of(owner_id), "100");
  EXPECT_EQ(
      served_.database().value(
          "SELECT actor || ' ' || (new_data ->> 'reason') FROM public.audit_log WHERE action = 'admin_cancel_job'"),
      admin_id + " asked by phone");
}

TEST_F(functions, cleanup_sends_stuck_exams_back) {
  served_.database().exec("INSERT INTO public.exams (user_id, status, updated_at) VALUES ('" + owner_id +
                          "', 'analyzing', now() - interval '6 min')");
  const Json answer = call("cleanup-stuck-exams", Json::object(), as_cron());
  EXPECT_EQ(answer["success"], true) << answer;
  EXPECT_EQ(answer["cleaned_count"], 1);
  EXPECT_EQ(answer["exam_ids"].size(), 1U);
  EXPECT_EQ(call("cleanup-stuck-exams", Json::object(), as_cron())["exam_ids"], Json::array());
}

TEST_F(functions, check_counts_slots_and_never_tells_a_key) {
  served_.database().exec("UPDATE watchdog.runninghub_accounts SET api_key = 'canary-key'");
  served_.queued_job();
  const Json answer = call(queue + "check", Json::object(), as_anon());
  EXPECT_EQ(answer["maxConcurrent"], 3) << answer;
  EXPECT_EQ(answer["totalQueued"], 1);
  EXPECT_EQ(answer["available"], false);
  EXPECT_EQ(answer["accountName"], "arcano_main");
  const Json status = call(queue + "status", Json::object(), as_service());
  EXPECT_EQ(status["queuedByTool"]["veste_ai"], 1) << status;
  EXPECT_EQ(status["accounts"][0]["slotsAvailable"], 3);
  EXPECT_THAT(answer.dump() + status.dump(), testing::Not(HasSubstr("canary")));
}

TEST_F(functions, check_user_active_tells_only_the_user_itself) {
  const std::string job_id = served_.queued_job();
  const Json own = call(queue + "check-user-active", {{"userId", owner_id}}, as_user(owner_id));
  EXPECT_EQ(own["hasActiveJob"], true);
  EXPECT_EQ(own["activeJobId"], job_id);
  EXPECT_EQ(own["activeTool"], "veste_ai_jobs");
  EXPECT_EQ(call(queue + "check-user-active", {{"userId", owner_id}}, as_anon())["hasActiveJob"], false);
  EXPECT_EQ(call(queue + "check-user-active", {{"userId", other_id}}, as_service())["hasActiveJob"], false);
}

// A browser never decides an outcome. Source: design.md section 7.
TEST_F(functions, finish_from_a_page_cancels_or_gives_up_and_otherwise_looks_again) {
  const auto finish = [&](const std::string& job_id, const std::string& status, const Headers& headers) {
    Json body = job_named(job_id);
    body.update(
        {{"status", status}, {"outputUrl", "https://evil.example/x.png"}, {"errorMessage", "said the page"}});
    return call(queue + "finish", body, headers);
  };
  const std::string running = served_.running_job();
  for (const char* status : {"completed", "failed"}) {
    const Json answer = finish(running, status, as_user(owner_id));
    EXPECT_EQ(answer["skipped"], true) << answer;
    EXPECT_EQ(answer["reason"], "still_processing");
  }
  EXPECT_EQ(finish(running, "cancelled", as_anon())["reason"], "not_signed_in");
  EXPECT_EQ(served_.status_of(running), "running");
  EXPECT_EQ(finish(running, "cancelled", as_user(owner_id))["refundedAmount"], 10);
  EXPECT_EQ(finish(running, "cancelled", as_user(owner_id))["reason"], "already_terminal");
  EXPECT_EQ(served_.balance_of(owner_id), "100");
  const std::string pending = served_.pending_job();
  EXPECT_EQ(finish(pending, "failed", as_user(owner_id))["refundedAmount"], 0);
  EXPECT_EQ(served_.status_of(pending), "failed");
}

TEST_F(functions, finish_from_the_service_settles_and_refunds_once) {
  Json body = job_named(served_.running_job());
  body.update({{"status", "failed"}, {"errorMessage", "the worker says so"}});
  EXPECT_EQ(call(queue + "finish", body, as_service())["refundedAmount"], 10);
  EXPECT_EQ(call(queue + "finish", body, as_service())["reason"], "already_terminal");
  Json completed = job_named(served_.running_job(other_id));
  completed["status"] = "completed";
  EXPECT_EQ(call(queue + "finish", completed, as_service())["httpStatus"], 400);
  completed["outputUrl"] = "https://cdn.example/x.png";
  EXPECT_EQ(call(queue + "finish", completed, as_service())["refundedAmount"], 0);
  EXPECT_EQ(served_.balance_of(owner_id) + " " + served_.balance_of(other_id), "100 90");
}

TEST_F(functions, finish_names_what_is_missing) {
  EXPECT_EQ(call(queue + "finish", {{"status", "failed"}}, as_user(owner_id))["error"],
            "table and jobId are required");
}

TEST_F(functions, cancel_session_ends_the_waiting_jobs_of_the_session_and_of_the_user_alone) {
  const std::string own = served_.queued_job(owner_id, "s1");
  const std::string foreign = served_.queued_job(other_id, "s1");
  const Json answer = call(queue + "cancel-session", {{"sessionId", "s1"}}, as_user(owner_id));
  EXPECT_EQ(answer["cancelledCount"], 1) << answer;
  EXPECT_EQ(answer["cancelledJobs"][0]["id"], own);
  EXPECT_EQ(served_.status_of(foreign), "queued");
  EXPECT_EQ(served_.balance_of(owner_id), "100");
  const std::string running = served_.running_job();
  EXPECT_EQ(call(queue + "cancel-session", {{"userId", owner_id}}, as_user(owner_id))["cancelledCount"], 0);
  EXPECT_EQ(served_.status_of(running), "running");
}

TEST_F(functions, reconcile_says_whether_the_job_is_over) {
  const std::string job_id = served_.running_job();
  Json answer = call(queue + "reconcile", job_named(job_id), as_user(owner_id));
  EXPECT_EQ(answer["resolved"], false);
  EXPECT_EQ(answer["reason"], "still_running");
  served_.database().exec("SELECT watchdog.cancel_job('veste_ai_jobs', '" + job_id + "', true)");
  answer = call(queue + "reconcile", job_named(job_id), as_user(owner_id));
  EXPECT_EQ(answer["resolved"], true);
  EXPECT_EQ(answer["status"], "cancelled");
}

TEST_F(functions, process_next_wakes_the_node_and_says_how_things_stand) {
  EXPECT_EQ(call(queue + "process-next", Json::object(), as_service())["reason"], "queue_empty");
  served_.queued_job();
  EXPECT_EQ(call(queue + "process-next", Json::object(), as_service())["reason"], "being_started");
  EXPECT_EQ(served_.wake_count(), 2);
}

TEST_F(functions, feature_flags_are_set_with_a_reason_and_against_the_version_that_was_seen) {
  const Json set =
      call("feature-flags", {{"name", "WATCHDOG_ENABLED"}, {"definition", "true"}, {"reason", "go"}},
           as_user(admin_id));
  EXPECT_EQ(set["version"], 1) << set;
  EXPECT_EQ(set["updatedBy"], admin_id);
  const HttpReply told = served_.call("GET", "/functions/v1/feature-flags", "", as_user(owner_id));
  EXPECT_EQ(Json::parse(told.body)["flags"]["WATCHDOG_ENABLED"]["value"], true);
  const Json late =
      call("feature-flags",
           {{"name", "WATCHDOG_ENABLED"}, {"definition", "false"}, {"reason", "no"}, {"expectedVersion", 0}},
           as_user(admin_id));
  EXPECT_EQ(late["httpStatus"], 409);
  EXPECT_EQ(late["version"], 1);
  EXPECT_EQ(call("feature-flags", {{"name", "WATCHDOG_ENABLED"}, {"definition", "maybe"}, {"reason", "x"}},
                 as_user(admin_id))["httpStatus"],
            400);
  EXPECT_EQ(call("feature-flags", {{"name", "NO_SUCH"}, {"reason", "x"}}, as_user(admin_id))["httpStatus"],
            404);
  EXPECT_EQ(call("feature-flags", {{"name", "WATCHDOG_ENABLED"}, {"definition", nullptr}, {"reason", "back"}},
                 as_user(admin_id))["definition"],
            nullptr);
}

TEST_F(functions, ofrep_evaluates_for_whom_the_token_names) {
  const auto ask = [&](const std::string& path, const Json& body, Headers headers) {
    return served_.call("POST", "/ofrep/v1/evaluate/flags" + path, body.dump(), std::move(headers));
  };
  served_.database().exec("SELECT watchdog.set_feature_flag('WATCHDOG_ENABLED', 'true if user in (" +
                          owner_id + "); false', 'test')");
  const Json context{{"context", {{"targetingKey", owner_id}}}};
  const Json own = Json::parse(ask("/WATCHDOG_ENABLED", context, as_user(owner_id)).body);
  const HttpReply missing = ask("/NO_SUCH", context, as_anon());
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(Json::parse(missing.body)["errorCode"], "FLAG_NOT_FOUND");
  EXPECT_EQ(own["key"], "WATCHDOG_ENABLED") << own;
  EXPECT_EQ(own["value"], true);
  EXPECT_EQ(own["reason"], "TARGETING_MATCH");
  // Whoever the body names: a user is asked for as that user.
  EXPECT_EQ(Json::parse(ask("/WATCHDOG_ENABLED", context, as_user(other_id)).body)["value"], false);
  EXPECT_EQ(Json::parse(ask("/WATCHDOG_ENABLED", context, as_anon()).body)["value"], true);
  const HttpReply all = ask("", context, as_anon());
  EXPECT_EQ(Json::parse(all.body)["flags"].size(), known_flags().size());
  Headers again = as_anon();
  again["if-none-match"] = all.headers.at("etag");
  EXPECT_EQ(ask("", context, again).status, 304);
  EXPECT_EQ(ask("", {{"context", 5}}, as_anon()).status, 400);
}

}  // namespace
}  // namespace jobwatchdog::test
