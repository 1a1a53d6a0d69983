// Feature flags in the database: every change is stamped, recorded and told, and none is lost to another.
#include <gtest/gtest.h>

#include <pqxx/pqxx>
#include <thread>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

/// "is_set version definition" of one call.
std::string set_flag(Database& database, const std::string& definition, const std::string& expected = "NULL",
                     const std::string& name = "WATCHDOG_ENABLED") {
  const std::string value = definition == "NULL" ? definition : quoted(definition);
  return database.value(
      "SELECT concat_ws(' ', answer.is_set, answer.version, answer.definition) FROM watchdog.set_feature_flag(" +
      quoted(name) + "," + value + ", 'a test'," + expected + ") AS answer");
}

std::string history(Database& database) {
  return database.value(
      "SELECT string_agg(concat_ws(' ', version, COALESCE(old_definition, '-'), COALESCE(new_definition, '-')), '; ' ORDER BY version) "
      "FROM watchdog.feature_flag_history WHERE name = 'WATCHDOG_ENABLED'");
}

TEST(flags, each_change_has_the_next_version_and_stays_told) {
  auto database = Database::managed();
  EXPECT_EQ(set_flag(database, "true"), "t 1 true");
  EXPECT_EQ(set_flag(database, "false"), "t 2 false");
  EXPECT_EQ(set_flag(database, "NULL"), "t 3");
  EXPECT_EQ(set_flag(database, "true"), "t 4 true");
  EXPECT_EQ(history(database), "1 - true; 2 true false; 3 false -; 4 - true");
  EXPECT_EQ(
      database.value(
          "SELECT reason || ' ' || (changed_by = CURRENT_USER) FROM watchdog.feature_flag_history LIMIT 1"),
      "a test true");
}

TEST(flags, a_change_from_an_older_version_is_not_made_and_the_present_one_is_told) {
  auto database = Database::managed();
  EXPECT_EQ(set_flag(database, "true", "1"), "f 0")
      << "it was never set, so version 1 is not the present one";
  EXPECT_EQ(set_flag(database, "true", "0"), "t 1 true");
  EXPECT_EQ(set_flag(database, "false", "0"), "f 1 true");
  EXPECT_EQ(set_flag(database, "false", "1"), "t 2 false");
  EXPECT_EQ(set_flag(database, "true", "1"), "f 2 false");
  EXPECT_EQ(history(database), "1 - true; 2 true false");
}

/// Of two who set from the same version, the second waits for the first and then learns that it came too
/// late.
void expect_one_winner(Database& database, const std::string& version) {
  pqxx::connection first_link{database.url()};
  pqxx::work first{first_link};
  const std::string call =
      "SELECT is_set FROM watchdog.set_feature_flag('WATCHDOG_ENABLED', 'true', 'race', " + version + ")";
  EXPECT_EQ(first.exec1(call)[0].as<std::string>(), "t");
  std::string second_answer;
  std::thread second{[&] {
    pqxx::connection link{database.url()};
    pqxx::work work{link};
    second_answer = work.exec1(call)[0].as<std::string>();
    work.commit();
  }};
  const std::string waiting =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
  for (int i = 0; i < 100'000 && database.value(waiting) == "0"; ++i) {
  }
  first.commit();
  second.join();
  EXPECT_EQ(second_answer, "f");
}

TEST(flags, of_two_changes_from_one_version_only_one_is_made) {
  auto database = Database::managed();
  expect_one_winner(database, "0");
  expect_one_winner(database, "1");
  EXPECT_EQ(history(database), "1 - true; 2 true true");
}

TEST(flags, whatever_writes_the_table_is_stamped_and_recorded) {
  auto database = Database::managed();
  database.exec(
      "INSERT INTO watchdog.feature_flags (name, definition, reason, version, updated_by) VALUES ('WATCHDOG_ENABLED', 'true', 'by hand', 77, 'nobody')");
  database.exec("UPDATE watchdog.feature_flags SET definition = 'false', version = 1, name = 'OTHER'");
  EXPECT_EQ(
      database.value(
          "SELECT concat_ws(' ', name, version, updated_by = CURRENT_USER) FROM watchdog.feature_flags"),
      "WATCHDOG_ENABLED 2 t");
  EXPECT_EQ(history(database), "1 - true; 2 true false");
}

TEST(flags, the_user_of_a_request_is_the_author) {
  auto database = Database::managed();
  database.exec(as("service_role", admin,
                   "SELECT * FROM watchdog.set_feature_flag('WATCHDOG_ENABLED', 'true', 'asked', NULL)"));
  EXPECT_EQ(database.value("SELECT changed_by FROM watchdog.feature_flag_history"), admin);
}

TEST(flags, what_happened_stays_told) {
  auto database = Database::managed();
  set_flag(database, "true");
  for (const std::string statement :
       {"UPDATE watchdog.feature_flag_history SET reason = 'x'", "DELETE FROM watchdog.feature_flag_history",
        "TRUNCATE watchdog.feature_flag_history", "DELETE FROM watchdog.feature_flags",
        "TRUNCATE watchdog.feature_flags"}) {
    EXPECT_NE(database.error(statement).find("stays told"), std::string::npos) << statement;
  }
  database.exec("ALTER TABLE watchdog.feature_flag_history DISABLE TRIGGER the_history_is_append_only");
  EXPECT_EQ(database.error("DELETE FROM watchdog.feature_flag_history"), "")
      << "the twin: the trigger is what refuses";
}

TEST(flags, need_a_reason_a_name_and_a_text_of_bounded_length) {
  auto database = Database::managed();
  const auto refusal = [&](const std::string& name, const std::string& definition,
                           const std::string& reason) {
    return database.error("SELECT * FROM watchdog.set_feature_flag(" + name + "," + definition + "," +
                          reason + ", NULL)");
  };
  EXPECT_NE(refusal("'WATCHDOG_ENABLED'", "'true'", "' '").find("every_change_has_a_reason"),
            std::string::npos);
  EXPECT_NE(refusal("'WATCHDOG_ENABLED'", "'true'", "NULL").find("reason"), std::string::npos);
  EXPECT_NE(refusal("'a; b'", "'true'", "'r'").find("name_is_written"), std::string::npos);
  EXPECT_NE(refusal("'WATCHDOG_ENABLED'", "''", "'r'").find("definition_is_not"), std::string::npos);
  EXPECT_NE(refusal("'WATCHDOG_ENABLED'", "repeat('x', 16385)", "'r'").find("definition_is_not"),
            std::string::npos);
  EXPECT_EQ(refusal("'WATCHDOG_ENABLED'", "repeat('x', 16384)", "'r'"), "");
}

class Listener : public pqxx::notification_receiver {
 public:
  Listener(pqxx::connection_base& link) : notification_receiver(link, "watchdog_feature_flags") {}
  void operator()(const std::string& payload, int) override { heard = payload; }
  std::string heard;
};

TEST(flags, a_change_is_told_to_who_listens) {
  auto database = Database::managed();
  pqxx::connection link{database.url()};
  Listener listener{link};
  set_flag(database, "true");
  EXPECT_EQ(link.await_notification(30, 0), 1);
  EXPECT_EQ(listener.heard, "WATCHDOG_ENABLED");
}

TEST(flags, are_set_by_services_and_by_nobody_else) {
  auto database = Database::managed();
  const std::string call = "SELECT * FROM watchdog.set_feature_flag('WATCHDOG_ENABLED', 'true', 'r', NULL)";
  EXPECT_EQ(database.error(as("service_role", "", call)), "");
  for (const std::string role : {"anon", "authenticated"}) {
    EXPECT_TRUE(is_denied(database.error(as(role, alice, call)))) << role;
    EXPECT_TRUE(is_denied(database.error(as(role, alice, "SELECT * FROM watchdog.feature_flags")))) << role;
  }
  EXPECT_TRUE(is_denied(database.error(
      as("service_role", "",
         "INSERT INTO watchdog.feature_flag_history SELECT * FROM watchdog.feature_flag_history"))));
}

}  // namespace
}  // namespace jobwatchdog::test
