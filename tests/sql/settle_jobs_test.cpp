// settle_jobs is the one way into a terminal state: once per job, one refund of the charge, all or nothing.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <pqxx/pqxx>
#include <thread>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

TEST(settle_jobs, fails_and_refunds_a_charged_job) {
  auto database = Database::managed();
  const auto id = add_job(database);
  EXPECT_EQ(balance(database), "940");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "1:60");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(
      database.value(
          "SELECT status || credits_refunded || (completed_at = updated_at) || (completed_at > now() - interval '1 min') "
          "FROM public.ai_jobs"),
      "failedtruetruetrue");
  EXPECT_EQ(database.value("SELECT string_agg(kind || amount, ' ' ORDER BY id) FROM watchdog.credit_ledger"),
            "charge-60 refund60");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(settle_jobs, does_not_refund_twice) {
  auto database = Database::managed();
  const auto id = add_job(database);
  EXPECT_EQ(database.value(settle(quoted(id) + "," + quoted(id), "cancelled")), "1:60");
  EXPECT_EQ(database.value(settle(quoted(id), "cancelled")), "0:0");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "0:0");
  EXPECT_EQ(balance(database), "1000");
}

// The twin: what keeps the money right is the ledger's key, not luck. Without a job there is no key, and two
// calls pay twice.
TEST(settle_jobs, a_refund_without_a_job_has_no_such_protection) {
  auto database = Database::managed();
  add_job(database);
  for (int i = 0; i < 2; ++i)
    database.exec("SELECT * FROM public.refund_upscaler_credits(" + quoted(alice) + ", 60)");
  EXPECT_EQ(balance(database), "1060");
}

TEST(settle_jobs, does_not_refund_again_what_the_ledger_already_holds) {
  auto database = Database::managed();
  const auto id = add_job(database);
  database.exec(
      "INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount) VALUES ('upscaler', " +
      quoted(id) + ", 'refund', " + quoted(alice) + ", 60)");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "1:0");
  EXPECT_EQ(balance(database), "940");
  EXPECT_EQ(database.value("SELECT credits_refunded FROM public.ai_jobs"), "t");
}

TEST(settle_jobs, does_not_refund_what_an_older_app_refunded_without_a_ledger) {
  auto database = Database::managed();
  const auto id = add_job(database);
  database.exec("UPDATE public.ai_jobs SET credits_refunded = true");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "1:0");
  EXPECT_EQ(balance(database), "940");
}

TEST(settle_jobs, refunds_once_when_two_sessions_settle_the_same_job) {
  auto database = Database::managed();
  const auto id = add_job(database);
  pqxx::connection first{database.url()};
  pqxx::connection second{database.url()};
  auto loser = std::async(std::launch::deferred, [] { return std::string{}; });
  {
    pqxx::work work{first};
    EXPECT_EQ(work.exec1(settle(quoted(id), "failed"))[0].as<std::string>(), "1:60");
    loser = std::async(std::launch::async, [&] {
      pqxx::work other{second};
      auto answer = other.exec1(settle(quoted(id), "cancelled"))[0].as<std::string>();
      other.commit();
      return answer;
    });
    // The second session must really wait for the first, or this test shows nothing.
    bool waits = false;
    for (int i = 0; i < 500 && !waits; ++i) {
      waits = database.value("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = " +
                             std::to_string(second.backendpid())) == "t";
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_TRUE(waits);
    work.commit();
  }
  EXPECT_EQ(loser.get(), "0:0");
  EXPECT_EQ(status(database, id), "failed");
  EXPECT_EQ(balance(database), "1000");
}

TEST(settle_jobs, leaves_nothing_behind_when_the_transaction_rolls_back) {
  auto database = Database::managed();
  const auto id = add_job(database);
  {
    pqxx::connection connection{database.url()};
    pqxx::work work{connection};
    EXPECT_EQ(work.exec1(settle(quoted(id), "failed"))[0].as<std::string>(), "1:60");
  }
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(balance(database), "940");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "1:60");
}

TEST(settle_jobs, completes_only_running_jobs_and_keeps_their_credits) {
  auto database = Database::managed();
  const auto running = add_job(database);
  const auto queued = add_job(database, {.user = bob, .status = "queued"});
  EXPECT_EQ(
      database.value(
          "SELECT string_agg(key::text || refunded_amount, ',') FROM watchdog.settle_jobs('public.upscaler_jobs', ARRAY[" +
          quoted(running) + "," + quoted(queued) +
          "]::uuid[], "
          R"('{"status":"completed","output_url":"https://result"}'))"),
      running + "0");
  EXPECT_EQ(database.value("SELECT output_url FROM public.ai_jobs WHERE id = " + quoted(running)),
            "https://result");
  EXPECT_EQ(status(database, queued), "queued");
  EXPECT_EQ(balance(database), "940");
}

TEST(settle_jobs, copies_the_refund_from_the_charge_and_not_from_the_job) {
  auto database = Database::managed();
  const auto id = add_job(database);
  database.exec("UPDATE public.ai_jobs SET user_credit_cost = 9999");
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "1:60");
}

TEST(settle_jobs, refunds_the_price_where_an_older_app_charged_without_a_ledger) {
  auto database = Database::managed();
  const auto charged = add_job(database, {.charged = false});
  const auto never_charged = add_job(database, {.user = bob, .charged = false});
  database.exec("UPDATE public.ai_jobs SET credits_charged = true WHERE id = " + quoted(charged));
  EXPECT_EQ(database.value(settle(quoted(charged), "failed")), "1:60");
  EXPECT_EQ(database.value(settle(quoted(never_charged), "failed")), "1:0");
  EXPECT_EQ(balance(database), "60");
  EXPECT_EQ(balance(database, bob), "");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(settle_jobs, frees_the_user_but_keeps_the_slot_until_the_provider_confirms) {
  auto database = Database::managed();
  const auto id = add_job(database);
  admit(database, id);
  EXPECT_EQ(database.value(settle(quoted(id), "cancelled")), "1:60");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.active_jobs"), "0");
  EXPECT_EQ(database.value("SELECT state || (job_id = " + quoted(id) +
                           ") || (deadline_at > now() + interval '11 min') "
                           "FROM watchdog.provider_slots WHERE slot = 1"),
            "cancellingtruetrue");
}

TEST(settle_jobs, frees_the_slot_of_a_completed_job) {
  auto database = Database::managed();
  const auto id = add_job(database);
  admit(database, id);
  EXPECT_EQ(database.value(settle(quoted(id), "completed")), "1:0");
  EXPECT_EQ(
      database.value("SELECT count(*) FROM watchdog.provider_slots WHERE state = 'free' AND job_id IS NULL"),
      "3");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.active_jobs"), "0");
}

TEST(settle_jobs, touches_only_the_named_table) {
  auto database = Database::managed();
  const auto id = add_job(database, {.table = "veste_ai_jobs"});
  EXPECT_EQ(database.value(settle(quoted(id), "failed")), "0:0");
  EXPECT_EQ(database.value(settle(quoted(id), "failed", "veste_ai_jobs")), "1:60");
}

TEST(settle_jobs, adds_up_the_refunds_of_one_user) {
  auto database = Database::managed();
  std::string ids;
  for (int i = 0; i < 5; ++i) ids += (i == 0 ? "" : ",") + quoted(add_job(database));
  EXPECT_EQ(balance(database), "700");
  EXPECT_EQ(database.value(settle(ids, "failed")), "5:300");
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(settle_jobs, refuses_what_is_no_settlement) {
  auto database = Database::managed();
  const auto id = add_job(database);
  const auto refusal = [&](const std::string& table, const std::string& set) {
    return database
        .error("SELECT * FROM watchdog.settle_jobs(" + quoted(table) + ", ARRAY[" + quoted(id) +
               "]::uuid[], " + set + ")")
        .substr(0, 5);
  };
  for (const auto* set :
       {R"('{"status":"queued"}')", R"('{}')", R"('[]')", "NULL", R"('{"status":null}')",
        R"('{"status":"failed","credits_refunded":true}')", R"('{"status":"failed","user_id":"x"}')",
        R"('{"status":"failed","error_message":7}')"}) {
    EXPECT_EQ(refusal("upscaler_jobs", set), "22023") << set;
  }
  for (const auto* table :
       {"exams", "pg_catalog.pg_class", "upscaler_jobs; --", "watchdog.upscaler_jobs", ""}) {
    EXPECT_EQ(refusal(table, R"('{"status":"failed"}')"), "22023") << table;
  }
  EXPECT_EQ(status(database, id), "running");
  EXPECT_EQ(refusal("upscaler_jobs", R"('{"status":"failed"}')"), "");
}

}  // namespace
}  // namespace jobwatchdog::test
