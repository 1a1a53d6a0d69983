// The states of a job: only the moves of the table are possible, and an end is final. Tools are rows, not
// code.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

const std::map<std::string, std::set<std::string>> allowed_moves{
    {"pending", {"queued", "starting", "failed", "cancelled"}},
    {"queued", {"starting", "failed", "cancelled"}},
    {"starting", {"running", "queued", "failed", "cancelled"}},
    {"running", {"completed", "failed", "cancelled"}},
    {"completed", {}},
    {"failed", {}},
    {"cancelled", {}}};

std::string move(Database& database, const std::string& from, const std::string& to,
                 const std::string& through) {
  const auto id = add_job(database, {.status = from, .charged = false});
  return database
      .error("UPDATE public." + through + " SET status = " + quoted(to) + " WHERE id = " + quoted(id))
      .substr(0, 5);
}

TEST(transitions, only_the_moves_of_the_table_are_possible) {
  auto database = Database::managed();
  for (const auto& [from, targets] : allowed_moves) {
    for (const auto& [to, unused] : allowed_moves) {
      const bool allowed = from == to || targets.contains(to);
      for (const auto* through : {"ai_jobs", "upscaler_jobs"}) {
        EXPECT_EQ(move(database, from, to, through), allowed ? "" : "23514")
            << from << " -> " << to << " through " << through;
      }
    }
  }
}

// The twin: it is the trigger that refuses.
TEST(transitions, without_its_trigger_a_finished_job_would_come_back_to_life) {
  auto database = Database::managed();
  database.exec("ALTER TABLE public.upscaler_jobs DISABLE TRIGGER USER");
  EXPECT_EQ(move(database, "completed", "running", "ai_jobs"), "");
}

TEST(transitions, the_error_says_what_is_final) {
  auto database = Database::managed();
  const auto id = add_job(database, {.status = "failed"});
  const auto error = database.error("UPDATE public.ai_jobs SET status = 'completed'");
  EXPECT_NE(error.find("job " + id + " is failed and stays so, it cannot become completed"),
            std::string::npos)
      << error;
}

TEST(transitions, a_late_result_is_kept_beside_a_final_state) {
  auto database = Database::managed();
  add_job(database, {.status = "failed"});
  EXPECT_EQ(database.error("UPDATE public.ai_jobs SET late_output_url = 'https://late'"), "");
  EXPECT_EQ(database.value("SELECT status || late_output_url FROM public.ai_jobs"), "failedhttps://late");
}

TEST(jobs, an_unknown_state_or_a_negative_price_is_refused) {
  auto database = Database::managed();
  const auto insert = [&](const std::string& status, const std::string& cost) {
    return database
        .error("INSERT INTO public.upscaler_jobs (user_id, status, user_credit_cost) VALUES (" +
               quoted(alice) + "," + quoted(status) + "," + cost + ")")
        .substr(0, 5);
  };
  EXPECT_EQ(insert("processing", "1"), "23514");
  EXPECT_EQ(insert("pending", "-1"), "23514");
  EXPECT_EQ(insert("pending", "1"), "");
}

TEST(jobs, one_provider_task_belongs_to_one_job) {
  auto database = Database::managed();
  add_job(database, {.task_id = "1904163390028185602"});
  EXPECT_THROW(add_job(database, {.user = bob, .task_id = "1904163390028185602"}), std::exception);
  EXPECT_NO_THROW(add_job(database, {.user = bob, .task_id = "1904163390028185603"}));
}

TEST(jobs, each_partition_knows_its_own_tool) {
  auto database = Database::managed();
  for (const auto* table : {"upscaler_jobs", "pose_changer_jobs", "veste_ai_jobs", "video_upscaler_jobs"}) {
    database.exec(std::string("INSERT INTO public.") + table + " (user_id) VALUES (" + quoted(alice) + ")");
  }
  EXPECT_EQ(
      database.value(
          "SELECT string_agg(tool || '=' || tableoid::regclass || '=' || status, ' ' ORDER BY tool) FROM public.ai_jobs"),
      "pose_changer=pose_changer_jobs=pending upscaler=upscaler_jobs=pending "
      "veste_ai=veste_ai_jobs=pending video_upscaler=video_upscaler_jobs=pending");
  EXPECT_EQ(
      database.error("INSERT INTO public.ai_jobs (tool, user_id) VALUES ('unknown', " + quoted(alice) + ")")
          .substr(0, 5),
      "23514");
}

TEST(admission, a_second_active_job_of_a_user_and_a_job_in_two_slots_are_impossible) {
  auto database = Database::managed();
  const auto first = add_job(database);
  const auto second = add_job(database);
  admit(database, first);
  EXPECT_EQ(database
                .error("INSERT INTO watchdog.active_jobs (user_id, tool, job_id) VALUES (" + quoted(alice) +
                       ", 'upscaler', " + quoted(second) + ")")
                .substr(0, 5),
            "23505");
  EXPECT_EQ(
      database
          .error(
              "UPDATE watchdog.provider_slots SET state = 'taken', tool = 'upscaler', attempt = 1, job_id = " +
              quoted(first) + " WHERE slot = 2")
          .substr(0, 5),
      "23505");
  EXPECT_EQ(
      database.error(
          "UPDATE watchdog.provider_slots SET state = 'taken', tool = 'upscaler', attempt = 1, job_id = " +
          quoted(second) + " WHERE slot = 2"),
      "");
}

TEST(admission, a_slot_and_its_job_belong_together) {
  auto database = Database::managed();
  const auto id = add_job(database);
  admit(database, id);
  for (const auto* change :
       {"state = 'free'", "job_id = NULL", "tool = NULL", "attempt = NULL", "state = 'cancelling'"}) {
    EXPECT_NE(database.error(std::string("UPDATE watchdog.provider_slots SET ") + change + " WHERE slot = 1"),
              "")
        << change;
  }
  EXPECT_NE(database.error("UPDATE watchdog.provider_slots SET state = 'taken' WHERE slot = 2"), "");
  EXPECT_EQ(database.error("DELETE FROM public.ai_jobs").substr(0, 5), "23503");
  EXPECT_EQ(
      database.error(
          "UPDATE watchdog.provider_slots SET state = 'free', tool = NULL, job_id = NULL, attempt = NULL, task_id = NULL"),
      "");
}

/// What a partition is made of, with its own name taken out, to compare two of them.
std::string shape_of(Database& database, const std::string& table, const std::string& tool) {
  const std::string name = "replace(replace(%, " + quoted(table) + ", 'T'), " + quoted(tool) + ", 'tool')";
  const auto neutral = [&](const std::string& text) {
    return std::string(name).replace(name.find('%'), 1, text);
  };
  const std::string oid = quoted("public." + table) + "::regclass";
  return database.value(
      "SELECT string_agg(line, E'\\n' ORDER BY line) FROM ("
      "SELECT " +
      neutral("pg_get_indexdef(indexrelid)") + " AS line FROM pg_index WHERE indrelid = " + oid +
      " UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = " + oid +
      " AND contype = 'c'"
      " UNION ALL SELECT tgname || " +
      neutral("pg_get_triggerdef(oid)") + " FROM pg_trigger WHERE tgrelid = " + oid +
      " AND NOT tgisinternal"
      " UNION ALL SELECT policyname || cmd || roles::text || COALESCE(qual, '') || COALESCE(with_check, '') FROM pg_policies "
      "WHERE schemaname = 'public' AND tablename = " +
      quoted(table) + " UNION ALL SELECT attname || " + neutral("pg_get_expr(adbin, adrelid)") +
      " FROM pg_attrdef JOIN pg_attribute "
      "ON (attrelid, attnum) = (adrelid, adnum) WHERE adrelid = " +
      oid +
      " UNION ALL SELECT relrowsecurity::text || relacl::text || reloptions::text FROM pg_class WHERE oid = " +
      oid + ") AS shape");
}

TEST(tools, a_fifth_tool_is_made_like_the_first_four) {
  auto database = Database::managed();
  database.exec("SELECT watchdog.add_tool('image_generator', 'image_generator_jobs')");
  const auto expected = shape_of(database, "upscaler_jobs", "upscaler");
  EXPECT_GT(expected.size(), 500U);
  EXPECT_EQ(shape_of(database, "image_generator_jobs", "image_generator"), expected);
  EXPECT_EQ(shape_of(database, "video_upscaler_jobs", "video_upscaler"), expected);
}

// The twin: the comparison sees a policy that is missing.
TEST(tools, a_tool_without_its_policy_is_noticed) {
  auto database = Database::managed();
  database.exec("DROP POLICY users_create_their_own_pending_jobs ON public.veste_ai_jobs");
  EXPECT_NE(shape_of(database, "veste_ai_jobs", "veste_ai"), shape_of(database, "upscaler_jobs", "upscaler"));
}

TEST(tools, a_fifth_tool_is_settled_cleaned_up_and_cancelled_without_new_code) {
  auto database = Database::managed();
  database.exec("SELECT watchdog.add_tool('image_generator', 'image_generator_jobs')");
  add_job(database, {.table = "image_generator_jobs"});
  EXPECT_EQ(database.value(
                "SELECT cancelled_count || ':' || refunded_credits FROM public.cleanup_all_stale_ai_jobs() "
                "WHERE table_name = 'image_generator_jobs'"),
            "1:60");
  const auto fresh = add_job(database, {.table = "image_generator_jobs", .age = "1 min"});
  EXPECT_EQ(
      database.value(as_user(alice, "SELECT success FROM public.user_cancel_ai_job('image_generator_jobs', " +
                                        quoted(fresh) + ")")),
      "t");
  EXPECT_EQ(balance(database), "1000");
}

TEST(tools, names_that_are_not_plain_are_refused) {
  auto database = Database::managed();
  for (const auto* name : {"Robert''); DROP TABLE public.exams; --", "with space", "Upper", "", "9lives"}) {
    EXPECT_EQ(
        database.error(std::string("SELECT watchdog.add_tool('") + name + "', 'fine_jobs')").substr(0, 5),
        "23514")
        << name;
    EXPECT_EQ(database.error(std::string("SELECT watchdog.add_tool('fine', '") + name + "')").substr(0, 5),
              "23514")
        << name;
  }
  EXPECT_EQ(database.error("SELECT watchdog.add_tool('upscaler', 'other_jobs')").substr(0, 5), "23505");
  EXPECT_EQ(database.error("SELECT watchdog.add_tool('fine', 'fine_jobs')"), "");
}

}  // namespace
}  // namespace jobwatchdog::test
