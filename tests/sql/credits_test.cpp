// Credits: a balance is always its opening plus the ledger, and the ledger only grows.
#include <gtest/gtest.h>

#include <future>
#include <pqxx/pqxx>
#include <vector>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

std::string answer(Database& database, const std::string& call) {
  const auto rows =
      database.rows("SELECT success, new_balance, COALESCE(error_message, '') FROM public." + call);
  return rows.size() == 1 ? rows[0][0] + " " + rows[0][1] + " " + rows[0][2] : "no single row";
}

void open_account(Database& database, int credits) {
  database.exec("INSERT INTO public.upscaler_credits (user_id, balance) VALUES (" + quoted(alice) + "," +
                std::to_string(credits) + ")");
}

TEST(credits, are_consumed_and_given_back) {
  auto database = Database::managed();
  open_account(database, 100);
  EXPECT_EQ(answer(database, "consume_upscaler_credits(" + quoted(alice) + ", 60)"), "t 40 ");
  EXPECT_EQ(answer(database, "refund_upscaler_credits(" + quoted(alice) + ", 25, 'sorry')"), "t 65 ");
  EXPECT_EQ(
      database.value(
          "SELECT string_agg(kind || amount || description, ' ' ORDER BY id) FROM watchdog.credit_ledger"),
      "consume-60Consumption grant25sorry");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(credits, refusals_are_answers_and_never_errors) {
  auto database = Database::managed();
  open_account(database, 100);
  for (const std::string function : {"consume_upscaler_credits", "refund_upscaler_credits"}) {
    EXPECT_EQ(answer(database, function + "(" + quoted(alice) + ", 0)"),
              "f 100 Amount must be greater than zero");
    EXPECT_EQ(answer(database, function + "(" + quoted(alice) + ", -5)"),
              "f 100 Amount must be greater than zero");
    EXPECT_EQ(answer(database, function + "(" + quoted(alice) + ", NULL)"),
              "f 100 Amount must be greater than zero");
    EXPECT_EQ(answer(database, function + "(NULL, 5)"), "f 0 User is missing");
  }
  EXPECT_EQ(answer(database, "consume_upscaler_credits(" + quoted(alice) + ", 101)"),
            "f 100 Insufficient credits");
  EXPECT_EQ(answer(database, "consume_upscaler_credits(" + quoted(bob) + ", 1)"), "f 0 Insufficient credits");
  EXPECT_EQ(answer(database, "refund_upscaler_credits(" + quoted(alice) + ", 2147483647)"),
            "f 100 Balance would be too large");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.credit_ledger"), "0");
}

TEST(credits, a_refund_opens_an_account_that_was_missing) {
  auto database = Database::managed();
  EXPECT_EQ(answer(database, "refund_upscaler_credits(" + quoted(bob) + ", 30)"), "t 30 ");
  EXPECT_EQ(database.value("SELECT opening FROM public.upscaler_credits"), "0");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(credits, an_account_explains_the_ledger_that_was_there_before_it) {
  auto database = Database::managed();
  database.exec("INSERT INTO watchdog.credit_ledger (kind, user_id, amount) VALUES ('grant', " +
                quoted(alice) + ", 10)");
  database.exec("INSERT INTO public.upscaler_credits (user_id, balance, opening) VALUES (" + quoted(alice) +
                ", 100, 12345)");
  EXPECT_EQ(database.value("SELECT opening FROM public.upscaler_credits"), "90");
}

// The twin: the check that all these tests rely on sees a balance that moved alone.
TEST(credits, a_balance_that_moves_alone_is_noticed) {
  auto database = Database::managed();
  open_account(database, 100);
  database.exec("UPDATE public.upscaler_credits SET balance = 101");
  EXPECT_EQ(unexplained_balances(database), "1");
}

TEST(credits, cannot_be_spent_twice_by_sessions_that_race) {
  auto database = Database::managed();
  open_account(database, 100);
  std::vector<std::future<std::string>> racers;
  for (int i = 0; i < 6; ++i) {
    racers.push_back(std::async(std::launch::async, [url = database.url()] {
      pqxx::connection connection{url};
      pqxx::work work{connection};
      auto success =
          work.exec1("SELECT success FROM public.consume_upscaler_credits(" + quoted(alice) + ", 40)")[0]
              .as<std::string>();
      work.commit();
      return success;
    }));
  }
  int won_count = 0;
  for (auto& racer : racers) won_count += racer.get() == "t" ? 1 : 0;
  EXPECT_EQ(won_count, 2);
  EXPECT_EQ(balance(database), "20");
  EXPECT_EQ(unexplained_balances(database), "0");
}

TEST(credits, the_balance_is_never_negative) {
  auto database = Database::managed();
  open_account(database, 100);
  EXPECT_EQ(database.error("UPDATE public.upscaler_credits SET balance = -1").substr(0, 5), "23514");
}

TEST(ledger, is_append_only_for_the_owner_too) {
  auto database = Database::managed();
  add_job(database);
  for (const auto* change :
       {"UPDATE watchdog.credit_ledger SET amount = -1", "DELETE FROM watchdog.credit_ledger",
        "TRUNCATE watchdog.credit_ledger", "DELETE FROM watchdog.credit_ledger WHERE false"}) {
    const auto error = database.error(change);
    EXPECT_EQ(error.substr(0, 5), "55000") << change;
    EXPECT_NE(error.find("append-only"), std::string::npos);
  }
}

// The twin: it is the trigger that refuses.
TEST(ledger, could_be_changed_without_its_trigger) {
  auto database = Database::managed();
  add_job(database);
  database.exec("ALTER TABLE watchdog.credit_ledger DISABLE TRIGGER the_ledger_is_append_only");
  EXPECT_EQ(database.error("DELETE FROM watchdog.credit_ledger"), "");
}

TEST(ledger, refuses_entries_that_make_no_sense) {
  auto database = Database::managed();
  const auto id = quoted(add_job(database));
  const auto add = [&](const std::string& tool, const std::string& job, const std::string& kind,
                       const std::string& amount) {
    return database
        .error("INSERT INTO watchdog.credit_ledger (tool, job_id, kind, user_id, amount) VALUES (" + tool +
               "," + job + "," + quoted(kind) + "," + quoted(alice) + "," + amount + ")")
        .substr(0, 5);
  };
  EXPECT_EQ(add("'upscaler'", id, "charge", "-60"), "23505");
  EXPECT_EQ(add("'upscaler'", id, "refund", "-60"), "23514");
  EXPECT_EQ(add("'upscaler'", id, "grant", "60"), "23514");
  EXPECT_EQ(add("NULL", "NULL", "refund", "60"), "23514");
  EXPECT_EQ(add("NULL", "NULL", "consume", "60"), "23514");
  EXPECT_EQ(add("NULL", "NULL", "gift", "60"), "23514");
  EXPECT_EQ(add("'upscaler'", id, "refund", "60"), "");
  EXPECT_EQ(add("NULL", "NULL", "grant", "60"), "");
  EXPECT_EQ(add("NULL", "NULL", "grant", "60"), "");
}

}  // namespace
}  // namespace jobwatchdog::test
