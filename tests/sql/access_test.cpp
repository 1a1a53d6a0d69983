// Who may read, write and call what: the whole matrix, as requests of each role see it.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/sql/seed.hpp"

namespace jobwatchdog::test {
namespace {

const std::set<std::string> job_tables{"public.ai_jobs", "public.upscaler_jobs", "public.pose_changer_jobs",
                                       "public.veste_ai_jobs", "public.video_upscaler_jobs"};

/// What each role is meant to hold, as letters of Select, Insert, Update, Delete.
std::map<std::string, std::map<std::string, std::string>> intended_grants() {
  std::map<std::string, std::map<std::string, std::string>> grants{
      {"public.exams", {{"authenticated", "S"}, {"service_role", "SIUD"}}},
      {"public.user_roles", {{"authenticated", "S"}, {"service_role", "SIUD"}}},
      {"public.upscaler_credits", {{"authenticated", "S"}, {"service_role", "SI"}}},
      {"public.audit_log", {{"authenticated", "S"}, {"service_role", "SI"}}},
      {"watchdog.credit_ledger", {{"service_role", "S"}}},
      {"watchdog.tools", {{"service_role", "S"}}},
      {"watchdog.provider_apps", {{"service_role", "SIUD"}}},
      {"watchdog.provider_inputs", {{"service_role", "SIUD"}}},
      {"watchdog.runninghub_accounts", {{"service_role", "SIUD"}}},
      {"watchdog.submissions", {{"service_role", "S"}}},
      {"watchdog.webhook_inbox", {{"service_role", "S"}}},
      {"watchdog.orphan_tasks", {{"service_role", "S"}}},
      {"watchdog.schema_migrations", {{"service_role", "S"}}},
      {"watchdog.sweep_runs", {{"service_role", "SIU"}}},
      {"watchdog.isolated_rows", {{"service_role", "SIUD"}}},
      {"watchdog.feature_flags", {{"service_role", "SIU"}}},
      {"watchdog.feature_flag_history", {{"service_role", "S"}}},
      {"watchdog.active_jobs", {{"service_role", "SIUD"}}},
      {"watchdog.provider_slots", {{"service_role", "SIUD"}}}};
  for (const auto& table : job_tables) grants[table] = {{"authenticated", "SI"}, {"service_role", "SIUD"}};
  return grants;
}

const std::string our_tables =
    "SELECT oid::regclass::text, relnamespace::regnamespace || '.' || relname, relrowsecurity, relforcerowsecurity FROM pg_class "
    "WHERE relkind IN ('r', 'p') AND relnamespace IN ('public'::regnamespace, 'watchdog'::regnamespace)";

TEST(access, every_table_grants_exactly_what_is_intended) {
  auto database = Database::managed();
  const auto intended = intended_grants();
  for (const auto& table : database.rows(our_tables)) {
    for (const std::string role : {"anon", "authenticated", "service_role"}) {
      std::string held;
      for (const std::string verb : {"SELECT", "INSERT", "UPDATE", "DELETE"}) {
        if (database.value("SELECT has_table_privilege('" + role + "', '" + table[1] + "', '" + verb +
                           "')") == "t")
          held += verb[0];
      }
      const auto& row =
          intended.contains(table[1]) ? intended.at(table[1]) : std::map<std::string, std::string>{};
      EXPECT_EQ(held, row.contains(role) ? row.at(role) : "") << role << " on " << table[1];
      EXPECT_EQ(database.value("SELECT has_table_privilege('" + role + "', '" + table[1] + "', 'TRUNCATE')"),
                "f")
          << role << table[1];
    }
  }
}

TEST(access, row_level_security_is_on_everywhere_and_forced_where_money_and_evidence_are) {
  auto database = Database::managed();
  const std::set<std::string> forced{"watchdog.credit_ledger", "watchdog.provider_slots", "public.audit_log"};
  const auto tables = database.rows(our_tables);
  EXPECT_GE(tables.size(), 16U);
  for (const auto& table : tables) {
    EXPECT_EQ(table[2], "t") << table[1];
    EXPECT_EQ(table[3], forced.contains(table[1]) ? "t" : "f") << table[1];
  }
}

void fill(Database& database) {
  make_admin(database);
  for (const auto& user : {alice, bob}) {
    for (const auto* table : {"upscaler_jobs", "pose_changer_jobs", "veste_ai_jobs", "video_upscaler_jobs"}) {
      add_job(database, {.table = table, .user = user});
    }
    database.exec("INSERT INTO public.exams (user_id) VALUES (" + quoted(user) +
                  ");INSERT INTO public.user_roles VALUES (" + quoted(user) + ", 'member')");
  }
  database.exec("INSERT INTO public.audit_log (action) VALUES ('seen')");
}

TEST(access, users_read_their_own_rows_and_administrators_all) {
  auto database = Database::managed();
  fill(database);
  const std::map<std::string, std::pair<std::string, std::string>> seen_by_user_and_admin{
      {"public.ai_jobs", {"4", "8"}},
      {"public.upscaler_jobs", {"1", "2"}},
      {"public.pose_changer_jobs", {"1", "2"}},
      {"public.veste_ai_jobs", {"1", "2"}},
      {"public.video_upscaler_jobs", {"1", "2"}},
      {"public.exams", {"1", "2"}},
      {"public.user_roles", {"1", "3"}},
      {"public.upscaler_credits", {"1", "2"}},
      {"public.audit_log", {"0", "1"}}};
  for (const auto& [table, seen] : seen_by_user_and_admin) {
    const std::string count = "SELECT count(*) FROM " + table;
    EXPECT_EQ(database.value(as_user(alice, count)), seen.first) << table;
    EXPECT_EQ(database.value(as_user(admin, count)), seen.second) << table;
    EXPECT_EQ(database.value(as_user(nobody, count)), "0") << table;
    EXPECT_EQ(database.value(as_user("", count)), "0") << table;
    EXPECT_EQ(database.value(as("service_role", "", count)), seen.second) << table;
    EXPECT_TRUE(is_denied(database.error(as("anon", "", count)))) << table;
  }
  EXPECT_EQ(database.value(as_user(alice, "SELECT DISTINCT user_id FROM public.ai_jobs")), alice);
}

// The twin: without row level security on a partition, the count above would betray the others' rows.
TEST(access, a_partition_without_row_level_security_would_show_all) {
  auto database = Database::managed();
  fill(database);
  database.exec("ALTER TABLE public.upscaler_jobs DISABLE ROW LEVEL SECURITY");
  EXPECT_EQ(database.value(as_user(alice, "SELECT count(*) FROM public.upscaler_jobs")), "2");
}

TEST(access, browsers_write_nothing_but_new_jobs) {
  auto database = Database::managed();
  fill(database);
  for (const std::string role : {"anon", "authenticated"}) {
    for (const auto& [table, grants] : intended_grants()) {
      const std::string column = database.value("SELECT attname FROM pg_attribute WHERE attrelid = '" +
                                                table + "'::regclass AND attnum = 2");
      EXPECT_TRUE(
          is_denied(database.error(as(role, alice, "UPDATE " + table + " SET " + column + " = " + column))))
          << role << table;
      EXPECT_TRUE(is_denied(database.error(as(role, alice, "DELETE FROM " + table)))) << role << table;
      if (role == "authenticated" && job_tables.contains(table)) continue;
      EXPECT_TRUE(is_denied(database.error(as(role, alice, "INSERT INTO " + table + " DEFAULT VALUES"))))
          << role << table;
    }
  }
}

TEST(access, a_user_creates_only_a_plain_pending_job_of_his_own) {
  auto database = Database::managed();
  const auto insert = [&](const std::string& table, const std::string& user, const std::string& column,
                          const std::string& value) {
    return database.error(as_user(alice, "INSERT INTO public." + table + " (user_id, tool" +
                                             (column.empty() ? "" : ", " + column) + ") VALUES (" +
                                             quoted(user) + ", 'upscaler'" +
                                             (column.empty() ? "" : ", " + value) + ")"));
  };
  for (const std::string table : {"ai_jobs", "upscaler_jobs"}) {
    EXPECT_EQ(insert(table, alice, "", ""), "") << table;
    EXPECT_EQ(insert(table, alice, "payload", R"('{"image":"x"}')"), "") << table;
    EXPECT_EQ(insert(table, alice, "user_credit_cost", "60"), "") << table;
    EXPECT_TRUE(is_denied(insert(table, bob, "", ""))) << table;
    for (const auto& [column, value] : std::map<std::string, std::string>{{"status", "'running'"},
                                                                          {"credits_charged", "true"},
                                                                          {"credits_refunded", "true"},
                                                                          {"task_id", "'1'"},
                                                                          {"api_account", "'arcano_main'"},
                                                                          {"output_url", "'x'"},
                                                                          {"late_output_url", "'x'"},
                                                                          {"error_message", "'x'"},
                                                                          {"position", "1"},
                                                                          {"attempt", "1"},
                                                                          {"queued_at", "now()"},
                                                                          {"started_at", "now()"},
                                                                          {"completed_at", "now()"}}) {
      EXPECT_TRUE(is_denied(insert(table, alice, column, value))) << table << "." << column;
    }
  }
  EXPECT_EQ(database.error(
                as_user(alice, "INSERT INTO public.upscaler_jobs (user_id) VALUES (" + quoted(alice) + ")")),
            "");
}

TEST(access, users_call_only_what_is_meant_for_them) {
  auto database = Database::managed();
  const std::set<std::string> for_users{"public.has_role(uuid,text)",
                                        "public.user_cancel_ai_job(text,uuid)",
                                        "public.admin_cancel_job(text,uuid)",
                                        "public.mark_pending_job_as_failed(text,uuid,text)",
                                        "watchdog.current_user_id()",
                                        "watchdog.caller_is_admin()",
                                        "watchdog.user_has_role(uuid,text)",
                                        "watchdog.cancel_job(text,uuid,boolean,text)",
                                        "watchdog.fail_pending_job(text,uuid,text)"};
  const std::set<std::string> for_services_in_public{"public.cleanup_all_stale_ai_jobs()",
                                                     "public.cleanup_stuck_analyzing_exams()",
                                                     "public.consume_upscaler_credits(uuid,integer,text)",
                                                     "public.refund_upscaler_credits(uuid,integer,text)"};
  for (
      const auto& row : database.rows(
          "SELECT pronamespace::regnamespace || '.' || proname || '(' || replace(oidvectortypes(proargtypes), ', ', ',') || ')', "
          "has_function_privilege('anon', oid, 'EXECUTE'), has_function_privilege('authenticated', oid, 'EXECUTE'), "
          "has_function_privilege('service_role', oid, 'EXECUTE'), prosecdef, COALESCE(array_to_string(proconfig, ','), '') FROM pg_proc "
          "WHERE pronamespace IN ('public'::regnamespace, 'watchdog'::regnamespace)")) {
    const bool in_public = row[0].starts_with("public.");
    EXPECT_EQ(row[1], "f") << row[0];
    EXPECT_EQ(row[2], for_users.contains(row[0]) ? "t" : "f") << row[0];
    if (in_public) {
      EXPECT_TRUE(for_users.contains(row[0]) || for_services_in_public.contains(row[0])) << row[0];
      EXPECT_EQ(row[3], "t") << row[0];
      EXPECT_FALSE(row[2] == "t" && row[4] == "t") << row[0] << " is SECURITY DEFINER, exposed and callable";
    }
    EXPECT_NE(row[5].find("search_path=\"\""), std::string::npos) << row[0] << " has an open search_path";
  }
}

// The twin: a function made without a thought is open to all, which is what the matrix above looks for.
TEST(access, a_careless_function_would_be_noticed) {
  auto database = Database::managed();
  database.exec("CREATE FUNCTION public.careless() RETURNS int LANGUAGE sql AS 'SELECT 1'");
  EXPECT_EQ(database.value("SELECT has_function_privilege('anon', 'public.careless()', 'EXECUTE')"), "t");
}

TEST(access, our_functions_work_under_an_owner_who_is_no_superuser) {
  auto database = Database::managed();
  const auto id = add_job(database);
  add_job(database, {.user = bob});
  const std::string owner = "plain_owner_" + database.name();
  database.exec("CREATE ROLE " + owner + "; GRANT USAGE, CREATE ON SCHEMA public, watchdog TO " + owner);
  database.exec(
      "DO $$DECLARE command text; BEGIN FOR command IN "
      "SELECT format('ALTER TABLE %s OWNER TO " +
      owner +
      "', oid::regclass) FROM pg_class WHERE relkind IN ('r', 'p') "
      "AND relnamespace IN ('public'::regnamespace, 'watchdog'::regnamespace) UNION ALL "
      "SELECT format('ALTER FUNCTION %s OWNER TO " +
      owner +
      "', oid::regprocedure) FROM pg_proc "
      "WHERE pronamespace IN ('public'::regnamespace, 'watchdog'::regnamespace) LOOP EXECUTE command; END LOOP; END$$");
  EXPECT_EQ(database.value(
                as_user(alice, "SELECT refunded_amount FROM public.user_cancel_ai_job('upscaler_jobs', " +
                                   quoted(id) + ")")),
            "60");
  EXPECT_EQ(database.value("SELECT sum(refunded_credits) FROM public.cleanup_all_stale_ai_jobs()"), "60");
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log"), "2");
  EXPECT_EQ(unexplained_balances(database), "0");
  database.exec("REASSIGN OWNED BY " + owner + " TO CURRENT_USER; DROP OWNED BY " + owner + "; DROP ROLE " +
                owner);
}

}  // namespace
}  // namespace jobwatchdog::test
