// `audit`: each law has a planted violation that it finds, and a clean database accuses nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/native/strange_database.hpp"
#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

ProcessResult audit(const Database& database, std::vector<std::string> arguments = {}) {
  arguments.insert(arguments.begin(), {"audit", "--database-url", database.url()});
  return run_jobwatchdog(arguments);
}

/// The laws that are broken, joined by " | ".
std::string broken_laws(const Database& database) {
  const auto json = nlohmann::json::parse(audit(database, {"--json"}).out, nullptr, false);
  std::string broken;
  for (const auto& law : json["laws"]) {
    if (law["violation_count"] > 0) broken += (broken.empty() ? "" : " | ") + law["law"].get<std::string>();
  }
  return broken;
}

std::string job_of_bob(const std::string& status) {
  return "INSERT INTO public.upscaler_jobs (user_id, status) VALUES (" + quoted(bob) + "," + quoted(status) +
         ");";
}

/// What was submitted for the one job that was swept.
std::string submission(const std::string& outcome) {
  return "INSERT INTO watchdog.submissions (tool, job_id, attempt, account, token_hash, outcome, task_id, answered_at) "
         "SELECT tool, id, attempt, 'arcano_main', sha256('token'), " +
         quoted(outcome) + (outcome == "accepted" ? ", 'task'" : ", NULL") +
         (outcome == "open" ? ", NULL" : ", now()") + " FROM public.ai_jobs;";
}

TEST(audit, of_a_swept_database_is_clean) {
  Database database = Database::managed();
  for (int i = 0; i < 5; ++i) add_job(database);
  add_job(database, {.status = "completed"});
  add_job(database, {.status = "running", .age = "1 min"});
  ASSERT_EQ(run_jobwatchdog({"sweep", "--database-url", database.url()}).exit_code, 0);
  const ProcessResult result = audit(database);
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("clean: 12 laws hold"));
}

TEST(audit, finds_every_planted_violation_by_the_law_that_it_breaks) {
  struct Plant {
    const char* law;
    std::string sql;
  };
  const std::string running = job_of_bob("running");
  const std::string queued = job_of_bob("queued");
  const std::string admitted =
      "INSERT INTO watchdog.active_jobs (user_id, tool, job_id) SELECT user_id, tool, id FROM public.ai_jobs WHERE user_id = " +
      quoted(bob) + ";";
  const std::string slot =
      "UPDATE watchdog.provider_slots SET state = 'taken', tool = 'upscaler', attempt = 0, "
      "job_id = (SELECT id FROM public.ai_jobs WHERE user_id = " +
      quoted(bob) + ") WHERE slot = 1";
  const std::string flags = "ALTER TABLE watchdog.credit_ledger DISABLE TRIGGER USER;";
  const std::vector<Plant> plants{
      {"a charged job that failed or was cancelled has a refund | the refunded flag of a job and the ledger agree | a balance is its opening plus the ledger",
       "DELETE FROM watchdog.credit_ledger WHERE kind = 'refund'"},
      {"a refund equals its charge | a balance is its opening plus the ledger",
       "UPDATE watchdog.credit_ledger SET amount = 61 WHERE kind = 'refund'"},
      {"a refund equals its charge",
       "UPDATE watchdog.credit_ledger SET amount = -50 WHERE kind = 'charge'; UPDATE public.upscaler_credits SET opening = opening - 10"},
      {"only a job that failed or was cancelled has a refund",
       "DELETE FROM public.audit_log; UPDATE public.ai_jobs SET status = 'completed'"},
      {"a refund goes to the user who was charged | a balance is its opening plus the ledger",
       "UPDATE watchdog.credit_ledger SET user_id = '00000000-0000-4000-8000-00000000000f' WHERE kind = 'refund'"},
      {"a job is still what the evidence says it ended as, and ended once",
       "UPDATE public.ai_jobs SET status = 'cancelled'"},
      {"a job is still what the evidence says it ended as, and ended once",
       "INSERT INTO public.audit_log (action, table_name, new_data, actor) SELECT action, table_name, new_data, 'again' FROM public.audit_log"},
      {"a job is still what the evidence says it ended as, and ended once",
       "INSERT INTO public.audit_log (action, table_name, record_id, new_data, actor) SELECT 'user_cancel_ai_job', 'upscaler_jobs', id, "
       "'{\"status\": \"cancelled\"}', 'x' FROM public.ai_jobs"},
      {"a job is still what the evidence says it ended as, and ended once",
       "INSERT INTO public.audit_log (action, table_name, new_data, actor) SELECT 'cleanup_all_stale_ai_jobs', 'ai_jobs', "
       "jsonb_build_object('tables', jsonb_build_array(jsonb_build_object('table_name', 'upscaler_jobs', 'ids', jsonb_build_array(id)))), 'x' "
       "FROM public.ai_jobs"},
      {"the refunded flag of a job and the ledger agree",
       "UPDATE public.ai_jobs SET credits_refunded = false"},
      {"a balance is its opening plus the ledger",
       "UPDATE public.upscaler_credits SET balance = balance + 1"},
      {"an admitted job is active and of the same user and attempt",
       "INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt) SELECT user_id, tool, id, attempt FROM public.ai_jobs"},
      {"a taken slot holds a job that starts or runs",
       "UPDATE watchdog.provider_slots SET state = 'taken', tool = 'upscaler', job_id = (SELECT id FROM public.ai_jobs), attempt = 0 WHERE slot = 1"},
      {"a slot is not held for a cancelled job after its deadline",
       "UPDATE watchdog.provider_slots SET state = 'cancelling', tool = 'upscaler', job_id = (SELECT id FROM public.ai_jobs), attempt = 0, "
       "deadline_at = now() - interval '1 h' WHERE slot = 1"},
      {"a job is still what the evidence says it ended as, and ended once",
       "INSERT INTO public.audit_log (action, table_name, record_id, new_data, actor) SELECT 'settle_attempts', 'upscaler_jobs', id, "
       "'{\"status\": \"failed\"}', 'x' FROM public.ai_jobs"},
      {"a job is still what the evidence says it ended as, and ended once",
       "INSERT INTO public.audit_log (action, table_name, record_id, new_data, actor) SELECT 'submission', 'upscaler_jobs', id, "
       "'{\"status\": \"failed\"}', 'x' FROM public.ai_jobs"},
      {"a job waits in the queue or holds a slot", running + admitted},
      {"a job waits in the queue or holds a slot", queued + admitted},
      {"a job waits in the queue or holds a slot",
       running + admitted + "UPDATE watchdog.active_jobs SET queued_at = now();" + slot},
      {"a taken slot holds a job that starts or runs | a job waits in the queue or holds a slot",
       queued + admitted + "UPDATE watchdog.active_jobs SET queued_at = now();" + slot},
      {"a task that outlives its job is chased until its end is confirmed", submission("accepted")},
      {"a task that outlives its job is chased until its end is confirmed", submission("unknown")},
      {"a task that outlives its job is chased until its end is confirmed", submission("open")},
  };
  for (const Plant& plant : plants) {
    Database database = Database::managed();
    add_job(database);
    ASSERT_EQ(run_jobwatchdog({"sweep", "--database-url", database.url()}).exit_code, 0);
    ASSERT_EQ(broken_laws(database), "");
    database.exec(flags + "SET session_replication_role = replica;" + plant.sql);
    EXPECT_EQ(broken_laws(database), plant.law) << plant.sql;
    EXPECT_EQ(audit(database).exit_code, 6);
  }
}

TEST(audit, accuses_nobody_of_a_task_that_never_was_or_ended_or_is_chased) {
  for (
      const std::string& sql :
      {submission("refused"), submission("no_capacity"), submission("not_sent"),
       submission("accepted") + "UPDATE watchdog.submissions SET task_ended_at = now()",
       submission("accepted") +
           "INSERT INTO watchdog.orphan_tasks (tool, job_id, attempt, account, reason) SELECT tool, job_id, attempt, account, 'x' "
           "FROM watchdog.submissions",
       submission("open") +
           "UPDATE watchdog.provider_slots SET state = 'cancelling', tool = 'upscaler', job_id = (SELECT id FROM public.ai_jobs), "
           "attempt = 0, deadline_at = now() WHERE slot = 1"}) {
    Database database = Database::managed();
    add_job(database);
    ASSERT_EQ(run_jobwatchdog({"sweep", "--database-url", database.url()}).exit_code, 0);
    database.exec(sql);
    EXPECT_EQ(broken_laws(database), "") << sql;
  }
}

TEST(audit, prints_one_line_a_violation_with_the_record) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  database.exec("SET session_replication_role = replica; UPDATE public.ai_jobs SET status = 'failed'");
  const ProcessResult result = audit(database);
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(
      result.out,
      HasSubstr(
          "violation: managed schema: a charged job that failed or was cancelled has a refund: upscaler " +
          id + " (failed, charged 60)"));
  EXPECT_THAT(result.out, HasSubstr("1 of 12 laws are broken"));
}

TEST(audit, proves_of_watched_tables_what_their_columns_allow) {
  Database database = strange_database();
  const ConfigFile config{strange_rules};
  add_tasks(database, 3);
  ASSERT_EQ(run_with(database, config, {"sweep"}).exit_code, 0);
  EXPECT_EQ(run_with(database, config, {"audit"}).exit_code, 0);
  database.exec(
      "UPDATE public.tarefas SET estornado = false WHERE id = 1; UPDATE public.tarefas SET cobrado = false WHERE id = 2; UPDATE public.tarefas SET estado = 'rodando' WHERE id = 3");
  const ProcessResult result = run_with(database, config, {"audit"});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.out,
              HasSubstr("a charged row that became \"falhou\" is refunded: 1 (falhou, amount 10)"));
  EXPECT_THAT(result.out, HasSubstr("only a charged row is refunded: 2 (falhou"));
  EXPECT_THAT(result.out, HasSubstr("a row in work is not refunded: 3 (rodando"));
}

TEST(audit, finds_a_row_that_was_rescued_more_often_than_its_cap) {
  Database database = Database::empty();
  database.exec(
      "CREATE TABLE jobs (id int PRIMARY KEY, status text, at timestamptz, rescues int); INSERT INTO jobs VALUES (1, 'running', now() - interval '1 h', 0)");
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"at\"\nolder_than = \"5 min\"\nset = { status = \"pending\" }\n"
      "max_rescues = 2\nrescue_count = \"rescues\"\n"};
  ASSERT_EQ(run_with(database, config, {"sweep"}).exit_code, 0);
  EXPECT_EQ(run_with(database, config, {"audit"}).exit_code, 0);
  database.exec("UPDATE jobs SET rescues = 3");
  const ProcessResult result = run_with(database, config, {"audit"});
  EXPECT_EQ(result.exit_code, 6);
  EXPECT_THAT(result.out, HasSubstr("a row is rescued at most 2 times: 1 (rescued 3)"));
}

TEST(audit, says_so_when_there_is_nothing_to_prove) {
  Database database = Database::empty();
  const ConfigFile config{
      "[[rule]]\nname = \"r\"\ntables = [\"jobs\"]\nstuck_in = [\"running\"]\nage_of = \"at\"\nolder_than = \"5 min\"\nset = { status = \"failed\" }\n"};
  EXPECT_EQ(run_with(database, config, {"audit"}).exit_code, 3);
}

}  // namespace
}  // namespace jobwatchdog::test
