// Who may end a job by hand: its owner, an administrator, the service. To all others it does not exist.
#include <gtest/gtest.h>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

std::string cancel(const std::string& function, const std::string& id,
                   const std::string& table = "upscaler_jobs") {
  return "SELECT success || ' ' || refunded_amount || ' ' || COALESCE(error_message, '') FROM public." +
         function + "(" + quoted(table) + ", " + quoted(id) + ")";
}

TEST(user_cancel_ai_job, cancels_and_refunds_the_callers_job) {
  auto database = Database::managed();
  const auto id = add_job(database);
  EXPECT_EQ(database.value(as_user(alice, cancel("user_cancel_ai_job", id))), "true 60 ");
  EXPECT_EQ(status(database, id), "cancelled");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(
      database.value("SELECT action || table_name || actor || (old_data ->> 'status') FROM public.audit_log"),
      "user_cancel_ai_jobupscaler_jobs" + alice + "running");
  EXPECT_EQ(database.value(as_user(alice, cancel("user_cancel_ai_job", id))),
            "false 0 Job is already cancelled");
  EXPECT_EQ(balance(database), "1000");
}

TEST(user_cancel_ai_job, a_foreign_job_is_answered_like_an_absent_one) {
  auto database = Database::managed();
  make_admin(database);
  const auto id = add_job(database);
  const auto absent = database.value(as_user(alice, cancel("user_cancel_ai_job", nobody)));
  EXPECT_EQ(absent, "false 0 Job not found");
  EXPECT_EQ(database.value(as_user(bob, cancel("user_cancel_ai_job", id))), absent);
  EXPECT_EQ(database.value(as_user(alice, cancel("user_cancel_ai_job", id, "veste_ai_jobs"))), absent);
  EXPECT_EQ(database.value(as_user("", cancel("user_cancel_ai_job", id))), absent);
  EXPECT_EQ(status(database, id), "running");
}

TEST(user_cancel_ai_job, says_how_a_job_already_ended) {
  auto database = Database::managed();
  const auto id = add_job(database, {.status = "completed"});
  EXPECT_EQ(database.value(as_user(alice, cancel("user_cancel_ai_job", id))),
            "false 0 Job is already completed");
  EXPECT_EQ(balance(database), "940");
}

TEST(user_cancel_ai_job, refuses_a_table_that_is_no_jobs_table) {
  auto database = Database::managed();
  const auto id = add_job(database);
  EXPECT_EQ(database.error(as_user(alice, cancel("user_cancel_ai_job", id, "exams"))).substr(0, 5), "22023");
}

TEST(admin_cancel_job, is_for_administrators_by_the_table_and_not_by_the_token) {
  auto database = Database::managed();
  make_admin(database);
  const auto id = add_job(database);
  EXPECT_EQ(database.value(as_user(alice, cancel("admin_cancel_job", id))),
            "false 0 Only an administrator may cancel this job");
  const std::string forged =
      R"(SET LOCAL request.jwt.claims = '{"sub":")" + bob +
      R"(","role":"service_role","user_metadata":{"role":"admin"},"app_metadata":{"role":"admin"}}'; )";
  EXPECT_EQ(database.value(forged + "SET LOCAL ROLE authenticated; " + cancel("admin_cancel_job", id)),
            "false 0 Only an administrator may cancel this job");
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(database.value(as_user(admin, cancel("admin_cancel_job", id))), "true 60 ");
  EXPECT_EQ(database.value("SELECT action || actor FROM public.audit_log"), "admin_cancel_job" + admin);
}

TEST(cancel, the_service_may_cancel_any_job) {
  auto database = Database::managed();
  const auto first = add_job(database);
  const auto second = add_job(database);
  EXPECT_EQ(database.value(as("service_role", "", cancel("user_cancel_ai_job", first))), "true 60 ");
  EXPECT_EQ(database.value(cancel("admin_cancel_job", second)), "true 60 ");
  EXPECT_EQ(balance(database), "1000");
}

// A server that connects as the owner but speaks for a user must not lend that user the owner's rights.
TEST(cancel, the_owners_session_speaks_for_the_user_of_its_claims) {
  auto database = Database::managed();
  const auto id = add_job(database);
  const auto claims = [](const std::string& user) {
    return R"(SET LOCAL request.jwt.claims = '{"sub":")" + user + R"("}'; )";
  };
  EXPECT_EQ(database.value(claims(bob) + cancel("user_cancel_ai_job", id)), "false 0 Job not found");
  EXPECT_EQ(database.value(claims(alice) + cancel("user_cancel_ai_job", id)), "true 60 ");
}

TEST(current_user_id, reads_both_forms_of_the_claims_and_never_raises_over_a_strange_subject) {
  auto database = Database::managed();
  const std::string ask = "SELECT watchdog.current_user_id()";
  EXPECT_EQ(database.value(ask), "");
  EXPECT_EQ(database.value("SET LOCAL request.jwt.claims = ''; " + ask), "");
  EXPECT_EQ(database.value("SET LOCAL request.jwt.claims = '{}'; " + ask), "");
  EXPECT_EQ(database.value(R"(SET LOCAL request.jwt.claims = '{"sub":"alice"}'; )" + ask), "");
  EXPECT_EQ(database.value(R"(SET LOCAL request.jwt.claims = '{"sub":")" + alice + R"("}'; )" + ask), alice);
  EXPECT_EQ(database.value("SET LOCAL request.jwt.claim.sub = '" + alice + "'; " + ask), alice);
}

TEST(has_role, answers_from_the_table) {
  auto database = Database::managed();
  make_admin(database);
  EXPECT_EQ(database.value(as_user(admin, "SELECT public.has_role(" + quoted(admin) + ", 'admin')")), "t");
  EXPECT_EQ(database.value(as_user(alice, "SELECT public.has_role(" + quoted(alice) + ", 'admin')")), "f");
  EXPECT_EQ(database.value("SELECT public.has_role(NULL, 'admin')"), "f");
}

std::string mark(const std::string& id) {
  return "SELECT public.mark_pending_job_as_failed('upscaler_jobs', " + quoted(id) +
         ", 'start request was lost')";
}

TEST(mark_pending_job_as_failed, fails_a_pending_job_of_the_caller_and_refunds_it) {
  auto database = Database::managed();
  const auto id = add_job(database, {.status = "pending"});
  EXPECT_EQ(database.value(as_user(bob, mark(id))), "f");
  EXPECT_EQ(database.value(as_user(alice, mark(id))), "t");
  EXPECT_EQ(database.value("SELECT status || error_message FROM public.ai_jobs"),
            "failedstart request was lost");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value(as_user(alice, mark(id))), "f");
}

// The twin: the same call on any later state changes nothing, because then a server has the job.
TEST(mark_pending_job_as_failed, touches_nothing_that_somebody_has_taken) {
  auto database = Database::managed();
  for (const std::string taken : {"queued", "starting", "running", "completed", "failed", "cancelled"}) {
    const auto id = add_job(database, {.status = taken, .charged = false});
    EXPECT_EQ(database.value(as_user(alice, mark(id))), "f") << taken;
    EXPECT_EQ(status(database, id), taken);
  }
}

TEST(mark_pending_job_as_failed, is_open_to_administrators_and_the_service) {
  auto database = Database::managed();
  make_admin(database);
  EXPECT_EQ(database.value(as_user(admin, mark(add_job(database, {.status = "pending"})))), "t");
  EXPECT_EQ(database.value(as("service_role", "", mark(add_job(database, {.status = "pending"})))), "t");
}

}  // namespace
}  // namespace jobwatchdog::test
