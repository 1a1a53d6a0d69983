// The two cleanups that pg_cron runs alone: they settle what hangs, spare what lives, and no bad row stops
// them.
#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

/// "cancelled:refunded" for the upscaler's table.
std::string clean(Database& database) {
  return database.value(
      "SELECT cancelled_count || ':' || refunded_credits FROM public.cleanup_all_stale_ai_jobs() "
      "WHERE table_name = 'upscaler_jobs'");
}

TEST(cleanup_all_stale_ai_jobs, fails_and_refunds_what_hangs) {
  auto database = Database::managed();
  const auto id = add_job(database);
  EXPECT_EQ(clean(database), "1:60");
  EXPECT_EQ(database.value("SELECT status || ' ' || error_message FROM public.ai_jobs"),
            "failed Trabalho cancelado automaticamente após 10 minutos. Créditos estornados.");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(clean(database), "0:0");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value("SELECT action || (new_data #>> '{tables,0,ids,0}') FROM public.audit_log"),
            "cleanup_all_stale_ai_jobs" + id);
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log"), "1");
}

TEST(cleanup_all_stale_ai_jobs, answers_for_every_table_also_when_nothing_hangs) {
  auto database = Database::managed();
  EXPECT_EQ(
      database.value(
          "SELECT string_agg(table_name || cancelled_count || refunded_credits, ' ') FROM public.cleanup_all_stale_ai_jobs()"),
      "pose_changer_jobs00 upscaler_jobs00 veste_ai_jobs00 video_upscaler_jobs00");
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log"), "0");
}

struct Age {
  std::string status, age, task_id;
  bool stale;
};

TEST(cleanup_all_stale_ai_jobs, judges_by_status_age_and_whether_the_provider_has_the_job) {
  for (const Age& given : {Age{"queued", "9 min", "", false}, Age{"queued", "11 min", "", true},
                           Age{"starting", "9 min", "", false}, Age{"starting", "11 min", "", true},
                           Age{"running", "11 min", "", true}, Age{"running", "11 min", "task", false},
                           Age{"running", "13 min", "task", true}, Age{"pending", "1 day", "", false},
                           Age{"completed", "1 day", "", false}, Age{"failed", "1 day", "", false},
                           Age{"cancelled", "1 day", "", false}}) {
    auto database = Database::managed();
    add_job(database, {.status = given.status, .age = given.age, .task_id = given.task_id});
    EXPECT_EQ(clean(database), given.stale ? "1:60" : "0:0")
        << given.status << " for " << given.age << " task " << given.task_id;
  }
}

TEST(cleanup_all_stale_ai_jobs, counts_from_the_last_step_and_not_from_the_creation) {
  auto database = Database::managed();
  add_job(database);
  database.exec("UPDATE public.ai_jobs SET started_at = now() - interval '1 min'");
  EXPECT_EQ(clean(database), "0:0");
}

TEST(cleanup_all_stale_ai_jobs, has_its_patience_from_the_tool) {
  auto database = Database::managed();
  add_job(database, {.status = "queued", .age = "30 min"});
  database.exec("UPDATE watchdog.tools SET queued_stale_after = '1 hour'");
  EXPECT_EQ(clean(database), "0:0");
  database.exec("UPDATE watchdog.tools SET queued_stale_after = '5 min'");
  EXPECT_EQ(clean(database), "1:60");
}

void poison(Database& database, const std::string& id) {
  database.exec(
      "CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'poisoned'; END$$;"
      "CREATE TRIGGER poison BEFORE UPDATE ON public.upscaler_jobs FOR EACH ROW WHEN (OLD.id = " +
      quoted(id) + ") EXECUTE FUNCTION public.poison()");
}

TEST(cleanup_all_stale_ai_jobs, one_bad_row_never_stops_the_others) {
  auto database = Database::managed();
  const auto bad = add_job(database);
  for (int i = 0; i < 3; ++i) add_job(database, {.user = bob});
  poison(database, bad);
  EXPECT_EQ(clean(database), "3:180");
  EXPECT_EQ(database.value("SELECT rule_name || table_name || (record_id = " + quoted(bad) +
                           ") || sqlstate || reason || seen_count "
                           "FROM watchdog.isolated_rows"),
            "stale-ai-jobsupscaler_jobstrueP0001poisoned1");
  EXPECT_EQ(status(database, bad), "running");
  EXPECT_EQ(balance(database), "940");
  EXPECT_EQ(clean(database), "0:0");
  EXPECT_EQ(database.value("SELECT seen_count FROM watchdog.isolated_rows"), "2");

  database.exec("DROP TRIGGER poison ON public.upscaler_jobs");
  EXPECT_EQ(clean(database), "1:60");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.isolated_rows"), "0");
  EXPECT_EQ(unexplained_balances(database), "0");
}

// The twin: the same bad row stops a caller that does not isolate.
TEST(cleanup_all_stale_ai_jobs, without_isolation_a_bad_row_would_stop_all) {
  auto database = Database::managed();
  const auto bad = add_job(database);
  const auto good = add_job(database, {.user = bob});
  poison(database, bad);
  EXPECT_EQ(database.error(settle(quoted(good) + "," + quoted(bad), "failed")).substr(0, 5), "P0001");
  EXPECT_EQ(status(database, good), "running");
}

TEST(cleanup_all_stale_ai_jobs, bad_rows_do_not_use_up_the_bound_of_good_ones) {
  auto database = Database::managed();
  const auto bad = add_job(database, {.age = "2 hours"});
  const auto good = add_job(database, {.user = bob});
  poison(database, bad);
  const auto pass = [&] {
    return database.value("SELECT count(*) FROM watchdog.settle_stale_jobs('upscaler', 1)");
  };
  EXPECT_EQ(pass(), "0");
  EXPECT_EQ(pass(), "1");
  EXPECT_EQ(status(database, good), "failed");
}

TEST(cleanup_all_stale_ai_jobs, is_bounded) {
  auto database = Database::managed();
  database.exec(
      "INSERT INTO public.upscaler_jobs (user_id, status, queued_at) SELECT gen_random_uuid(), 'queued', now() - interval '1 day' "
      "FROM generate_series(1, 10001)");
  EXPECT_EQ(clean(database), "10000:0");
  EXPECT_EQ(clean(database), "1:0");
}

TEST(cleanup_all_stale_ai_jobs, passes_over_a_row_that_somebody_works_on) {
  auto database = Database::managed();
  const auto held = add_job(database);
  add_job(database, {.user = bob});
  pqxx::connection connection{database.url()};
  pqxx::work work{connection};
  work.exec("SELECT 1 FROM public.ai_jobs WHERE id = " + quoted(held) + " FOR UPDATE");
  EXPECT_EQ(clean(database), "1:60");
  work.abort();
  EXPECT_EQ(clean(database), "1:60");
}

TEST(cleanup_all_stale_ai_jobs, leaves_a_row_for_the_next_run_when_a_lock_times_out) {
  auto database = Database::managed();
  add_job(database);
  pqxx::connection connection{database.url()};
  pqxx::work work{connection};
  work.exec("UPDATE public.upscaler_credits SET updated_at = now()");
  EXPECT_EQ(clean(database), "0:0");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.isolated_rows"), "0");
  work.abort();
  EXPECT_EQ(clean(database), "1:60");
}

TEST(cleanup_all_stale_ai_jobs, frees_slots_whose_deadline_has_passed) {
  auto database = Database::managed();
  const auto id = add_job(database);
  admit(database, id);
  clean(database);
  clean(database);
  EXPECT_EQ(database.value("SELECT state FROM watchdog.provider_slots WHERE slot = 1"), "cancelling");
  database.exec("UPDATE watchdog.provider_slots SET deadline_at = now() - interval '1 s' WHERE slot = 1");
  clean(database);
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.provider_slots WHERE state = 'free'"), "3");
}

TEST(cleanup_stuck_analyzing_exams, sends_stuck_exams_back_to_pending) {
  auto database = Database::managed();
  const auto exam = [&](const std::string& status, const std::string& age) {
    return database.value("INSERT INTO public.exams (user_id, status, updated_at) VALUES (" + quoted(alice) +
                          "," + quoted(status) + ", now() - interval " + quoted(age) + ") RETURNING id");
  };
  const auto stuck = exam("analyzing", "6 min");
  exam("analyzing", "4 min");
  exam("completed", "1 day");
  EXPECT_EQ(database.rows("SELECT * FROM public.cleanup_stuck_analyzing_exams()"),
            (std::vector<std::vector<std::string>>{{"1", "{" + stuck + "}"}}));
  EXPECT_EQ(database.value(
                "SELECT status || (updated_at > now() - interval '1 min') FROM public.exams WHERE id = " +
                quoted(stuck)),
            "pendingtrue");
  EXPECT_EQ(database.rows("SELECT * FROM public.cleanup_stuck_analyzing_exams()"),
            (std::vector<std::vector<std::string>>{{"0", "{}"}}));
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log"), "1");
}

TEST(cleanup_stuck_analyzing_exams, one_bad_exam_never_stops_the_others) {
  auto database = Database::managed();
  database.exec(
      "INSERT INTO public.exams (user_id, status, file_url, updated_at) SELECT " + quoted(alice) +
      ", 'analyzing', number, now() - interval '1 hour' FROM generate_series(1, 3) AS number;"
      "CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'poisoned'; END$$;"
      "CREATE TRIGGER poison BEFORE UPDATE ON public.exams FOR EACH ROW WHEN (OLD.file_url = '2') EXECUTE FUNCTION public.poison()");
  EXPECT_EQ(database.value("SELECT cleaned_count FROM public.cleanup_stuck_analyzing_exams()"), "2");
  EXPECT_EQ(database.value("SELECT rule_name || reason FROM watchdog.isolated_rows"), "stuck-examspoisoned");
}

}  // namespace
}  // namespace jobwatchdog::test
