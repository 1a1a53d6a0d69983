// The life of a job in the database: who is admitted, who starts next, and that only the attempt that was
// seen is settled.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

/// A pending job of that user that costs 60 credits; each user has 100.
std::string create_job(Database& database, const std::string& user,
                       const std::string& table = "upscaler_jobs",
                       const std::string& payload = R"({"app": "pro"})") {
  database.exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES (" + quoted(user) +
                ", 100) ON CONFLICT DO NOTHING");
  return database.value("SELECT watchdog.create_job(" + quoted(table) + ", " + quoted(user) + ", " +
                        quoted(payload) + ", 60)");
}

std::string start(Database& database, const std::string& id, const std::string& table = "upscaler_jobs") {
  return database.value("SELECT outcome FROM watchdog.start_job(" + quoted(table) + ", " + quoted(id) + ")");
}

/// Claims as many as there are tokens; gives the jobs in the order in which they were given slots.
std::string claim(Database& database, const std::string& tokens) {
  return database.value(
      "SELECT string_agg(job_id::text, ' ' ORDER BY ordinality) FROM watchdog.claim_next_jobs('arcano_main', 'node', "
      "(SELECT array_agg(sha256(convert_to(token, 'UTF8'))) FROM unnest(string_to_array(" +
      quoted(tokens) +
      ", ',')) AS token), "
      "'1 minute') WITH ORDINALITY");
}

std::string answer(Database& database, const std::string& id, const std::string& outcome,
                   const std::string& task = "") {
  return database.value(
      "SELECT became FROM watchdog.record_submissions('node', (SELECT jsonb_agg(jsonb_build_object('tool', tool, "
      "'job_id', id, 'attempt', attempt, 'outcome', " +
      quoted(outcome) + ", 'task_id', " + (task.empty() ? "NULL::text" : quoted(task)) +
      ")) FROM public.ai_jobs WHERE id = " + quoted(id) + "), '30 s')");
}

/// Settles by a provider's word about that attempt, asked for when the job was in that state; gives how many
/// were settled.
std::string settle(Database& database, const std::string& id, const std::string& attempt,
                   const std::string& status, const std::string& seen_status = "running") {
  return database.value(
      "SELECT count(*) FROM watchdog.settle_attempts('node', (SELECT jsonb_agg(jsonb_build_object('tool', tool, 'job_id', id, "
      "'attempt', " +
      attempt + ", 'status', " + quoted(status) + ", 'seen_status', " + quoted(seen_status) +
      ", 'task_has_ended', true)) FROM public.ai_jobs WHERE id = " + quoted(id) + "))");
}

std::string status_of(Database& database, const std::string& id) {
  return database.value("SELECT status FROM public.ai_jobs WHERE id = " + quoted(id));
}

std::string user(int number) { return "a0000000-0000-4000-8000-0000000000" + std::to_string(10 + number); }

TEST(life, a_start_charges_once_and_a_second_click_changes_nothing) {
  Database database = Database::managed();
  const std::string id = create_job(database, alice);
  EXPECT_EQ(start(database, id), "queued");
  EXPECT_EQ(start(database, id), "not_pending");
  EXPECT_EQ(database.value("SELECT balance FROM public.upscaler_credits"), "40");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.credit_ledger"), "1");
}

TEST(life, a_user_has_one_active_job_over_all_tools) {
  Database database = Database::managed();
  EXPECT_EQ(start(database, create_job(database, alice)), "queued");
  const std::string other =
      create_job(database, alice, "video_upscaler_jobs", R"({"inputs": {"video": "api/v.mp4"}})");
  EXPECT_EQ(start(database, other, "video_upscaler_jobs"), "user_is_active");
  EXPECT_EQ(status_of(database, other), "pending");
  EXPECT_EQ(database.value("SELECT balance FROM public.upscaler_credits"), "40");
}

TEST(life, who_cannot_pay_or_asks_for_nonsense_is_not_admitted_and_not_charged) {
  Database database = Database::managed();
  const std::string dear = database.value("SELECT watchdog.create_job('upscaler_jobs', " + quoted(alice) +
                                          R"(, '{"app": "pro"}', 1000))");
  EXPECT_EQ(start(database, dear), "insufficient_credits");
  for (const char* payload : {R"({"app": "none"})", R"({"app": "pro", "nodeInfoList": 5})",
                              R"({"app": "pro", "nodeInfoList": [{}]})"})
    EXPECT_EQ(start(database, create_job(database, bob, "upscaler_jobs", payload)), "invalid") << payload;
  EXPECT_EQ(start(database, create_job(database, bob, "veste_ai_jobs", R"({"inputs": {"person": "a"}})"),
                  "veste_ai_jobs"),
            "invalid");
  EXPECT_EQ(start(database, nobody), "not_found");
  EXPECT_EQ(
      database.value(
          "SELECT (SELECT count(*) FROM watchdog.active_jobs) + (SELECT count(*) FROM watchdog.credit_ledger)"),
      "0");
}

TEST(life, the_oldest_starts_first_over_all_tools_and_never_more_than_there_are_slots) {
  Database database = Database::managed();
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const bool is_video = i % 2 == 1;
    const std::string table = is_video ? "video_upscaler_jobs" : "upscaler_jobs";
    ids.push_back(create_job(database, user(i), table,
                             is_video ? R"({"inputs": {"video": "api/v.mp4"}})" : R"({"app": "pro"})"));
    EXPECT_EQ(start(database, ids.back(), table), "queued");
  }
  EXPECT_EQ(database.value("SELECT watchdog.queue_position('upscaler_jobs', " + test::quoted(ids[4]) + ")"),
            "5");
  EXPECT_EQ(claim(database, "a,b,c,d,e"), ids[0] + " " + ids[1] + " " + ids[2]);
  EXPECT_EQ(claim(database, "f,g"), "");
  EXPECT_EQ(database.value("SELECT watchdog.queue_position('upscaler_jobs', " + test::quoted(ids[4]) + ")"),
            "2");
}

TEST(life, a_claim_whose_answer_was_lost_is_given_again_and_claims_nothing_new) {
  Database database = Database::managed();
  const std::string id = create_job(database, alice);
  (void)start(database, id);
  const std::string other = create_job(database, bob);
  (void)start(database, other);
  EXPECT_EQ(claim(database, "a"), id);
  EXPECT_EQ(claim(database, "a"), id);
  EXPECT_EQ(status_of(database, other), "queued");
}

TEST(life, a_refusal_for_want_of_capacity_sends_to_the_tail_and_a_definite_one_gives_the_credits_back) {
  Database database = Database::managed();
  const std::string first = create_job(database, alice);
  const std::string second = create_job(database, bob);
  (void)start(database, first);
  (void)start(database, second);
  (void)claim(database, "a");
  EXPECT_EQ(answer(database, first, "no_capacity"), "queued");
  EXPECT_EQ(claim(database, "b"), second);
  EXPECT_EQ(answer(database, second, "refused"), "failed");
  EXPECT_EQ(answer(database, second, "refused"), "") << "recorded once";
  EXPECT_EQ(
      database.value("SELECT string_agg(balance::text, ' ' ORDER BY user_id) FROM public.upscaler_credits"),
      "40 100");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.provider_slots WHERE state = 'free'"), "3");
}

TEST(life, only_the_attempt_that_was_seen_is_settled) {
  Database database = Database::managed();
  const std::string id = create_job(database, alice);
  (void)start(database, id);
  (void)claim(database, "a");
  (void)answer(database, id, "no_capacity");
  (void)claim(database, "b");
  EXPECT_EQ(answer(database, id, "accepted", "task-2"), "running");
  EXPECT_EQ(settle(database, id, "1", "failed"), "0");
  EXPECT_EQ(status_of(database, id), "running");
  EXPECT_EQ(settle(database, id, "2", "completed"), "1");
  EXPECT_EQ(settle(database, id, "2", "failed"), "0") << "terminal never changes";
  EXPECT_EQ(database.value("SELECT balance FROM public.upscaler_credits"), "40");
}

TEST(life, a_job_that_went_back_to_the_queue_is_not_settled_by_what_was_seen_before) {
  Database database = Database::managed();
  const std::string id = create_job(database, alice);
  (void)start(database, id);
  (void)claim(database, "a");
  EXPECT_EQ(answer(database, id, "no_capacity"), "queued");
  EXPECT_EQ(settle(database, id, "1", "failed", "starting"), "0");
  EXPECT_EQ(status_of(database, id), "queued");
  EXPECT_EQ(settle(database, id, "1", "failed", "queued"), "1") << "the twin: as it was seen";
}

TEST(life, an_answer_that_comes_late_leaves_the_lease_of_another_node_alone) {
  for (const std::string owner : {"other", "node"}) {
    Database database = Database::managed();
    const std::string id = create_job(database, alice);
    (void)start(database, id);
    (void)claim(database, "a");
    database.exec("UPDATE watchdog.active_jobs SET lease_owner = " + quoted(owner));
    EXPECT_EQ(answer(database, id, "accepted", "task-1"), "running");
    EXPECT_EQ(database.value(
                  "SELECT lease_owner IS NOT NULL AND lease_until IS NOT NULL FROM watchdog.active_jobs"),
              owner == "other" ? "t" : "f")
        << "the twin: its own is given back";
  }
}

TEST(life, a_fifth_tool_is_a_row_and_a_partition) {
  Database database = Database::managed();
  database.exec(
      "SELECT watchdog.add_tool('image_generator', 'image_generator_jobs');"
      "INSERT INTO watchdog.provider_apps (tool, app_id, credit_cost) VALUES ('image_generator', '2019999999999999999', 25)");
  const std::string id = create_job(database, alice, "image_generator_jobs", "{}");
  EXPECT_EQ(start(database, id, "image_generator_jobs"), "queued");
  EXPECT_EQ(database.value("SELECT balance FROM public.upscaler_credits"), "75")
      << "the app's price, not the row's";
  EXPECT_EQ(claim(database, "a"), id);
  EXPECT_EQ(answer(database, id, "accepted", "task"), "running");
  EXPECT_EQ(settle(database, id, "1", "failed"), "1");
  EXPECT_EQ(database.value("SELECT balance FROM public.upscaler_credits"), "100");
}

}  // namespace
}  // namespace jobwatchdog::test
