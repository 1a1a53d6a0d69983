// The sweep on the managed schema with the built-in rules: ledger, balances, evidence, lock, metrics,
// signals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/sql/seed.hpp"
#include "tests/support/commit_swallowing_proxy.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/process.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

ProcessResult sweep(const Database& database, std::vector<std::string> arguments = {},
                    const std::map<std::string, std::string>& env = {}) {
  arguments.insert(arguments.begin(), {"sweep", "--database-url", database.url()});
  return run_jobwatchdog(arguments, env);
}

nlohmann::json sweep_json(const Database& database, std::vector<std::string> arguments = {}) {
  arguments.emplace_back("--json");
  return nlohmann::json::parse(sweep(database, arguments).out, nullptr, false);
}

/// Balances that the ledger does not explain, or refunds that are not one for one: must be none.
void expect_books_balance(Database& database) {
  EXPECT_EQ(
      database.value(
          "SELECT count(*) FROM public.upscaler_credits c WHERE balance <> opening + coalesce((SELECT sum(amount) FROM watchdog.credit_ledger l WHERE l.user_id = c.user_id), 0)"),
      "0");
  EXPECT_EQ(
      database.value(
          "SELECT count(*) FROM (SELECT 1 FROM watchdog.credit_ledger WHERE kind = 'refund' GROUP BY tool, job_id HAVING count(*) > 1) x"),
      "0");
  EXPECT_EQ(
      database.value(
          "SELECT count(*) FROM public.ai_jobs j WHERE status IN ('failed', 'cancelled') AND credits_charged AND NOT EXISTS (SELECT 1 FROM watchdog.credit_ledger l WHERE l.tool = j.tool AND l.job_id = j.id AND l.kind = 'refund')"),
      "0");
}

TEST(managed_sweep, settles_all_four_tables_and_the_exams_and_pays_once) {
  Database database = Database::managed();
  for (const char* table : {"upscaler_jobs", "pose_changer_jobs", "veste_ai_jobs", "video_upscaler_jobs"}) {
    for (const char* status : {"queued", "starting", "running"})
      add_job(database, {.table = table, .status = status});
  }
  database.exec(
      "INSERT INTO public.exams (user_id, status, updated_at) VALUES (gen_random_uuid(), 'analyzing', now() - interval '6 min'), (gen_random_uuid(), 'analyzing', now())");
  EXPECT_EQ(balance(database), "280");
  const auto json = sweep_json(database);
  EXPECT_EQ(json["settled_count"], 13);
  EXPECT_EQ(json["refunded_credits"], 720);
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value("SELECT count(*) FROM public.exams WHERE status = 'pending'"), "1");
  EXPECT_EQ(database.value("SELECT DISTINCT error_message FROM public.ai_jobs"),
            "Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.");
  EXPECT_EQ(sweep_json(database)["settled_count"], 0);
  EXPECT_EQ(balance(database), "1000");
  expect_books_balance(database);
}

TEST(managed_sweep, watches_the_table_of_a_tool_that_was_added) {
  Database database = Database::managed();
  database.exec("SELECT watchdog.add_tool('image_generator', 'image_generator_jobs')");
  add_job(database, {.table = "image_generator_jobs"});
  EXPECT_EQ(sweep_json(database)["settled_count"], 1);
  expect_books_balance(database);
}

TEST(managed_sweep, leaves_healthy_finished_and_pending_jobs_alone) {
  Database database = Database::managed();
  add_job(database, {.age = "9 min"});
  for (const char* status : {"pending", "completed", "failed", "cancelled"})
    add_job(database, {.status = status, .charged = false});
  EXPECT_EQ(sweep_json(database)["found_count"], 0);
}

TEST(managed_sweep, gives_a_job_that_waited_long_its_full_time_from_its_start) {
  Database database = Database::managed();
  const std::string id = add_job(database, {.age = "30 min"});
  database.exec("UPDATE public.ai_jobs SET started_at = now() - interval '2 min' WHERE id = '" + id + "'");
  EXPECT_EQ(sweep_json(database)["found_count"], 0);
}

TEST(managed_sweep, keeps_a_task_at_the_provider_until_the_hard_deadline) {
  Database database = Database::managed();
  add_job(database, {.age = "11 min", .task_id = "task-1"});
  auto json = sweep_json(database);
  EXPECT_EQ(json["settled_count"], 0);
  EXPECT_EQ(json["rules"][1]["tables"][0]["kept_count"], 1);
  add_job(database, {.age = "13 min", .task_id = "task-2"});
  json = sweep_json(database);
  EXPECT_EQ(json["settled_count"], 1);
  expect_books_balance(database);
}

TEST(managed_sweep, frees_the_user_and_keeps_the_slot_for_the_provider) {
  Database database = Database::managed();
  const std::string id = add_job(database, {.age = "13 min", .task_id = "task-1"});
  database.exec(
      "INSERT INTO watchdog.active_jobs (user_id, tool, job_id, attempt) SELECT user_id, tool, id, attempt FROM public.ai_jobs;"
      "UPDATE watchdog.provider_slots SET state = 'taken', tool = 'upscaler', job_id = '" +
      id + "', attempt = 0, task_id = 'task-1' WHERE slot = 1");
  EXPECT_EQ(sweep_json(database)["settled_count"], 1);
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.active_jobs"), "0");
  EXPECT_EQ(database.value("SELECT state FROM watchdog.provider_slots WHERE slot = 1"), "cancelling");
}

TEST(managed_sweep, isolates_a_balance_that_would_overflow_and_remembers_it_until_it_is_mended) {
  Database database = Database::managed();
  add_job(database, {.user = bob});
  const std::string bad = add_job(database);
  database.exec(
      "UPDATE public.upscaler_credits SET balance = 2147483647, opening = 2147483647 WHERE user_id = '" +
      alice + "'");
  const ProcessResult first = sweep(database);
  EXPECT_EQ(first.exit_code, 6) << first.out << first.err;
  EXPECT_THAT(first.out, HasSubstr(bad + ": integer out of range [22003]"));
  EXPECT_EQ(balance(database, bob), "1000");
  EXPECT_EQ(sweep(database).exit_code, 6);
  EXPECT_EQ(
      database.rows(
          "SELECT rule_name, table_name, record_id, sqlstate, seen_count FROM watchdog.isolated_rows"),
      (std::vector<std::vector<std::string>>{{"stale-ai-jobs", "public.upscaler_jobs", bad, "22003", "2"}}));
  database.exec("UPDATE public.upscaler_credits SET balance = 940 WHERE user_id = '" + alice + "'");
  EXPECT_EQ(sweep(database).exit_code, 0);
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.isolated_rows"), "0");
}

TEST(managed_sweep, leaves_a_run_and_an_audit_row_with_the_ids) {
  Database database = Database::managed();
  const std::string id = add_job(database);
  sweep(database);
  EXPECT_EQ(
      database.rows(
          "SELECT outcome, settled_count, refunded_count, refunded_credits, finished_at IS NOT NULL FROM watchdog.sweep_runs"),
      (std::vector<std::vector<std::string>>{{"done", "1", "1", "60", "t"}}));
  EXPECT_EQ(database.value("SELECT new_data->'ids'->>0 FROM public.audit_log WHERE action = 'sweep'"), id);
  EXPECT_EQ(
      database.value("SELECT old_data->'rows'->0->>'status' FROM public.audit_log WHERE action = 'sweep'"),
      "running");
  EXPECT_EQ(database.value("SELECT new_data->'refunds'->>'" + id + "' FROM public.audit_log"), "60");
}

TEST(managed_sweep, killed_after_its_commit_paid_once_and_leaves_its_run_as_running) {
  Database database = Database::managed();
  add_job(database);
  EXPECT_EQ(sweep(database, {}, {{"WATCHDOG_FAILPOINT", "after_commit=kill -9 $PPID"}}).exit_code, 137);
  EXPECT_EQ(sweep_json(database)["settled_count"], 0);
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value("SELECT string_agg(outcome, ',' ORDER BY id) FROM watchdog.sweep_runs"),
            "running,done");
  expect_books_balance(database);
}

TEST(managed_sweep, reconnects_when_its_connection_is_cut_and_pays_once) {
  for (const char* point : {"before_batch", "after_lock", "after_settle", "before_commit"}) {
    Database database = Database::managed();
    add_job(database);
    const std::string cut =
        std::string{point} + "=psql -qAt '" + database.url() +
        "' -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'jobwatchdog' AND pid <> pg_backend_pid()\" > /dev/null";
    const ProcessResult result = sweep(database, {"--json"}, {{"WATCHDOG_FAILPOINT", cut}});
    EXPECT_EQ(result.exit_code, 0) << point << result.err << result.out;
    EXPECT_EQ(balance(database), "1000") << point;
    expect_books_balance(database);
  }
}

TEST(managed_sweep, looks_a_lost_answer_to_commit_up_and_pays_and_counts_once) {
  Database database = Database::managed();
  for (int i = 0; i < 3; ++i) add_job(database);
  database.exec(
      "DO $$ BEGIN CREATE ROLE doubting_role LOGIN SUPERUSER PASSWORD 'doubting'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$");
  const CommitSwallowingProxy proxy{std::stoi(std::getenv("WATCHDOG_TEST_TCP_PORT"))};
  const ProcessResult result =
      run_jobwatchdog({"sweep", "--json", "--database-url",
                       "postgresql://doubting_role:doubting@127.0.0.1:" + std::to_string(proxy.port()) + "/" +
                           database.name()});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_TRUE(proxy.has_swallowed());
  EXPECT_EQ(nlohmann::json::parse(result.out, nullptr, false)["settled_count"], 3);
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.credit_ledger WHERE kind = 'refund'"), "3");
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log WHERE action = 'sweep'"), "1");
  expect_books_balance(database);
}

TEST(managed_sweep, ends_with_4_when_the_database_goes_away_for_good_and_has_done_nothing_by_halves) {
  Database database = Database::managed();
  for (int i = 0; i < 4; ++i) add_job(database);
  const std::string away =
      "after_settle=psql -qAt '" + database.url() + "' -c \"ALTER DATABASE " + database.name() +
      " CONNECTION LIMIT 0\" -c \"ALTER ROLE leaving_role CONNECTION LIMIT 0\" -c \"SELECT pg_terminate_backend(pid) "
      "FROM pg_stat_activity WHERE usename = 'leaving_role'\" > /dev/null";
  database.exec(
      "DO $$ BEGIN CREATE ROLE leaving_role LOGIN PASSWORD 'leaving' BYPASSRLS; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;"
      "ALTER ROLE leaving_role CONNECTION LIMIT -1; GRANT service_role TO leaving_role");
  const ProcessResult result = run_jobwatchdog(
      {"sweep", "--max-duration", "1 s", "--database-url", database.tcp_url("leaving_role", "leaving")},
      {{"WATCHDOG_FAILPOINT", away}});
  EXPECT_EQ(result.exit_code, 4) << result.out << result.err;
  EXPECT_EQ(database.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'running'"), "4");
  database.exec("ALTER DATABASE " + database.name() + " CONNECTION LIMIT -1");
  EXPECT_EQ(sweep_json(database)["settled_count"], 4);
  expect_books_balance(database);
}

TEST(managed_sweep, finishes_its_batch_on_a_signal_and_says_that_it_was_interrupted) {
  Database database = Database::managed();
  for (int i = 0; i < 4; ++i) add_job(database);
  const ProcessResult interrupted =
      sweep(database, {"--batch-size", "2"}, {{"WATCHDOG_FAILPOINT", "after_lock=kill -INT $PPID"}});
  EXPECT_EQ(interrupted.exit_code, 130);
  EXPECT_THAT(interrupted.out, HasSubstr("settled 2 of 2"));
  EXPECT_THAT(interrupted.out, HasSubstr("interrupted after a whole batch"));
  EXPECT_EQ(sweep(database, {}, {{"WATCHDOG_FAILPOINT", "after_lock=kill -TERM $PPID"}}).exit_code, 143);
  EXPECT_EQ(balance(database), "1000");
}

TEST(managed_sweep, works_beside_another_one_unless_told_to_fail) {
  Database database = Database::managed();
  add_job(database);
  const std::string second = jobwatchdog_binary() + " sweep --database-url '" + database.url() + "' ";
  const std::string other = std::filesystem::temp_directory_path() / ("other-" + database.name());
  const ProcessResult first =
      sweep(database, {},
            {{"WATCHDOG_FAILPOINT", "before_batch=" + second + " --fail-if-locked 2> " + other +
                                        "; echo $? >> " + other + "; " + second + " 2>> " + other}});
  EXPECT_EQ(first.exit_code, 0) << first.err;
  const std::string text = read_file(other);
  EXPECT_THAT(text, HasSubstr("another sweep is running"));
  EXPECT_THAT(text, HasSubstr("\n7\n"));
  EXPECT_THAT(text, HasSubstr("works beside it"));
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(sweep(database, {"--fail-if-locked"}).exit_code, 0) << "the lock is free again";
  std::filesystem::remove(other);
}

TEST(managed_sweep, holds_no_snapshot_for_its_whole_length_so_that_vacuum_can_work) {
  Database database = Database::managed();
  add_job(database);
  const std::string other = std::filesystem::temp_directory_path() / ("snapshots-" + database.name());
  const ProcessResult result = sweep(
      database, {},
      {{"WATCHDOG_FAILPOINT",
        "before_batch=psql -qAt '" + database.url() +
            "' -c \"SELECT count(*) || ' idle, ' || count(backend_xmin) || ' with a snapshot' FROM pg_stat_activity WHERE datname = "
            "current_database() AND application_name = 'jobwatchdog' AND state = 'idle in transaction'\" > " +
            other}});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_file(other), "1 idle, 0 with a snapshot\n") << "the sweep's lock sits in a transaction";
  std::filesystem::remove(other);
}

TEST(managed_sweep, ten_at_once_pay_each_job_once_and_none_of_them_fails) {
  Database database = Database::managed();
  database.exec(
      "INSERT INTO public.upscaler_jobs (user_id, status, user_credit_cost, credits_charged, created_at) "
      "SELECT md5((i % 20)::text)::uuid, 'running', 5, true, now() - interval '1 h' FROM generate_series(1, 2000) AS i");
  const std::string command =
      jobwatchdog_binary() + " sweep --quiet --batch-size 50 --database-url '" + database.url() + "'";
  const ProcessResult all =
      run({"sh", "-c",
           "pids=; for i in 1 2 3 4 5 6 7 8 9 10; do " + command +
               " & pids=\"$pids $!\"; done; for p in $pids; do wait $p || exit $?; done"});
  EXPECT_EQ(all.exit_code, 0) << all.out << all.err;
  EXPECT_EQ(database.value("SELECT count(*) FROM public.ai_jobs WHERE status = 'failed'"), "2000");
  EXPECT_EQ(database.value("SELECT sum(balance) FROM public.upscaler_credits"), "10000");
  EXPECT_EQ(database.value("SELECT sum(settled_count) FROM watchdog.sweep_runs"), "2000") << "disjoint work";
  expect_books_balance(database);
}

TEST(managed_sweep, stops_when_its_time_is_up_and_the_next_one_goes_on) {
  Database database = Database::managed();
  for (int i = 0; i < 6; ++i) add_job(database);
  const ProcessResult short_one = sweep(database, {"--batch-size", "2", "--max-duration", "1 ms"}, {});
  EXPECT_EQ(short_one.exit_code, 0) << short_one.err;
  EXPECT_EQ(sweep(database).exit_code, 0);
  EXPECT_EQ(balance(database), "1000");
}

TEST(managed_sweep, explains_every_fact_behind_a_decision) {
  Database database = Database::managed();
  const std::string id = add_job(database, {.age = "11 min", .task_id = "task-7"});
  const ProcessResult told = sweep(database, {"--explain", id});
  EXPECT_EQ(told.exit_code, 0) << told.err;
  for (const char* word :
       {"stale-ai-jobs", "running", "task-7", "hard_deadline", "12 min", "keep", "charged", "60"})
    EXPECT_THAT(told.out, HasSubstr(word));
  EXPECT_EQ(nlohmann::json::parse(sweep(database, {"--explain", id, "--json"}).out)[0]["decision"], "keep");
  const ProcessResult unknown = sweep(database, {"--explain", "00000000-0000-4000-8000-000000000000"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("no watched table has a row"));
  EXPECT_EQ(sweep(database, {"--explain", "not-a-uuid"}).exit_code, 1);
}

TEST(managed_sweep, writes_metrics_that_keep_the_last_success) {
  Database database = Database::managed();
  const std::string path = std::filesystem::temp_directory_path() / (database.name() + ".prom");
  const auto metrics = [&] { return read_file(path); };
  add_job(database);
  ASSERT_EQ(sweep(database, {"--metrics-file", path}).exit_code, 0);
  EXPECT_THAT(metrics(),
              HasSubstr(R"(watchdog_jobs_settled{job_type="public.upscaler_jobs",rule="stale-ai-jobs"} 1)"));
  EXPECT_THAT(metrics(), HasSubstr(R"(watchdog_detection_time_max_seconds{rule="stale-ai-jobs"} 900)"));
  const std::string success =
      metrics().substr(metrics().find("\nwatchdog_sweep_last_success_timestamp_seconds "), 60);
  add_job(database);
  database.exec("UPDATE public.upscaler_credits SET balance = 2147483647");
  ASSERT_EQ(sweep(database, {"--metrics-file", path}).exit_code, 6);
  EXPECT_THAT(metrics(), HasSubstr(success.substr(0, success.find('\n', 1))));
  EXPECT_THAT(
      metrics(),
      HasSubstr("watchdog_jobs_isolated{job_type=\"public.upscaler_jobs\",rule=\"stale-ai-jobs\"} 1"));
  std::filesystem::remove(path);
  EXPECT_THAT(sweep(database, {"--metrics-file", "/nowhere/x.prom"}).err,
              HasSubstr("metrics file cannot be written"));
}

TEST(managed_sweep, is_quiet_when_asked_and_all_is_well) {
  Database database = Database::managed();
  add_job(database);
  EXPECT_EQ(sweep(database, {"--quiet"}).out, "");
}

}  // namespace
}  // namespace jobwatchdog::test
