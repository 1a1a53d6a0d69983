// Roles without superuser rights: the grants that README tells are enough, each of them is needed, and what
// is missing is named. Nobody sweeps or proves over rows that row level security hides without saying so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "tests/native/strange_database.hpp"
#include "tests/sql/seed.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/readme.hpp"
#include "tests/ways/managed_rules.hpp"

namespace jobwatchdog::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* watch_rules =
    "[[rule]]\nname = \"r\"\ntables = [\"upscaler_jobs\"]\nstuck_in = [\"running\"]\nage_of = \"created_at\"\n"
    "older_than = \"5 min\"\nset = { status = \"failed\" }\naudit = true\nrefund.function = \"refund_credits\"\n"
    "refund.user = \"user_id\"\nrefund.amount = \"cost\"\nrefund.charged = \"charged\"\nrefund.refunded = \"refunded\"\n";

/// Tables and a function with the names of README's grants, which nobody but their owner may touch; three
/// jobs are stuck, and the refund of one is refused.
Database watched_database() {
  Database database = Database::empty();
  database.exec(R"sql(
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE TABLE public.upscaler_jobs (id int PRIMARY KEY, status text, user_id uuid, cost int, charged boolean, refunded boolean,
                                   created_at timestamptz);
INSERT INTO public.upscaler_jobs SELECT i, 'running', gen_random_uuid(), 10 * i, true, false, now() - interval '1 h' FROM generate_series(1, 3) AS i;
CREATE TABLE public.paid (total bigint);
INSERT INTO public.paid VALUES (0);
CREATE FUNCTION public.refund_credits(uuid, amount integer, text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  UPDATE public.paid SET total = total + amount WHERE amount <> 30;
  RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION public.refund_credits(uuid, integer, text) FROM PUBLIC)sql");
  EXPECT_EQ(run_jobwatchdog({"migrate", "--watch", "--quiet", "--database-url", database.url()}).exit_code,
            0);
  ensure_role(database, "watchdog_role", "LOGIN PASSWORD 'watchdog'");
  return database;
}

std::string grants(std::size_t block) {
  const std::vector<std::string> blocks = blocks_of(readme(), "sql");
  if (blocks.size() != 2)
    throw std::runtime_error("README shows the rights of watch mode and of managed mode");
  return blocks[block];
}

ProcessResult run_as(const Database& database, const std::string& role, const std::string& password,
                     std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--database-url", database.tcp_url(role, password)});
  return run_jobwatchdog(arguments);
}

ProcessResult watch(const Database& database, std::vector<std::string> arguments) {
  const ConfigFile config{watch_rules};
  arguments.insert(arguments.end(), {"--config", config.path()});
  return run_as(database, "watchdog_role", "watchdog", arguments);
}

TEST(rights, of_the_readme_are_enough_in_watch_mode) {
  Database database = watched_database();
  database.exec(grants(0));
  const ProcessResult first = watch(database, {"sweep"});
  EXPECT_EQ(first.exit_code, 6) << first.out << first.err;
  EXPECT_EQ(first.err, "");
  EXPECT_EQ(database.value("SELECT total FROM public.paid"), "30");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.audit_log"), "1");
  EXPECT_EQ(database.value("SELECT record_id FROM watchdog.isolated_rows"), "3");
  database.exec("UPDATE public.upscaler_jobs SET cost = 40 WHERE id = 3");
  const ProcessResult second = watch(database, {"sweep"});
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
  EXPECT_EQ(database.value("SELECT total FROM public.paid"), "70");
  EXPECT_EQ(database.value("SELECT count(*) FROM watchdog.isolated_rows"), "0");
  EXPECT_EQ(database.value("SELECT string_agg(outcome, ',' ORDER BY id) FROM watchdog.sweep_runs"),
            "partial,done");
  for (const char* command : {"audit", "doctor"}) {
    const ProcessResult result = watch(database, {command});
    EXPECT_EQ(result.exit_code, 0) << command << result.out << result.err;
    EXPECT_EQ(result.err, "") << command;
    EXPECT_THAT(result.out, Not(HasSubstr("warning"))) << command;
  }
}

/// One privilege on one object, as README grants it.
struct Right {
  std::string privilege;
  std::string object;

  /// The object's own name, as messages tell it.
  [[nodiscard]] std::string name() const {
    const std::string plain = object.substr(0, object.find('('));
    return plain.substr(plain.find_last_of(". ") + 1);
  }
};

std::vector<Right> rights_of(const std::string& block) {
  static const std::regex grant{R"(GRANT ([A-Z, ]+) ON ([^;]+) TO watchdog_role;)"};
  static const std::regex word{"[A-Z]+"};
  std::vector<Right> rights;
  for (std::sregex_iterator at{block.begin(), block.end(), grant}, end; at != end; ++at) {
    const std::string privileges = (*at)[1];
    for (std::sregex_iterator one{privileges.begin(), privileges.end(), word}; one != end; ++one)
      rights.push_back({one->str(), (*at)[2]});
  }
  return rights;
}

TEST(rights, of_the_readme_are_all_needed_and_a_missing_one_is_named) {
  const std::vector<Right> rights = rights_of(grants(0));
  ASSERT_GE(rights.size(), 10U);
  for (const Right& right : rights) {
    Database database = watched_database();
    const std::string what = right.privilege + " ON " + right.object;
    database.exec(grants(0));
    database.exec("REVOKE " + what + " FROM watchdog_role; DELETE FROM public.upscaler_jobs WHERE id = 3");
    const ProcessResult result = watch(database, {"sweep"});
    const std::string said = result.out + result.err;
    const bool is_history = right.object.find("watchdog") != std::string::npos;
    if (is_history) {
      EXPECT_EQ(result.exit_code, 0) << what << "\n" << said;
      EXPECT_THAT(result.err, HasSubstr("warning:")) << what;
      EXPECT_EQ(database.value("SELECT total FROM public.paid"), "30") << what;
    } else {
      EXPECT_NE(result.exit_code, 0) << what << "\n" << said;
      EXPECT_EQ(database.value("SELECT total FROM public.paid"), "0") << what;
      EXPECT_EQ(database.value("SELECT count(*) FROM public.upscaler_jobs WHERE status = 'running'"), "2")
          << what;
    }
    EXPECT_THAT(said, HasSubstr(right.name())) << what;
    EXPECT_THAT(said, AnyOf(HasSubstr(right.privilege), HasSubstr("permission denied"))) << what;
  }
}

TEST(rights, that_are_too_few_are_told_by_doctor) {
  Database database = watched_database();
  const ProcessResult none = watch(database, {"doctor"});
  EXPECT_EQ(none.exit_code, 3) << none.out << none.err;
  EXPECT_THAT(none.out, HasSubstr("with 1 problems"));
  EXPECT_THAT(none.out, HasSubstr("permission denied for schema watchdog"));
  database.exec(grants(0));
  database.exec("REVOKE SELECT ON watchdog.sweep_runs FROM watchdog_role");
  const ProcessResult no_history = watch(database, {"doctor"});
  EXPECT_EQ(no_history.exit_code, 0) << no_history.out;
  EXPECT_THAT(no_history.out, HasSubstr("warning  last sweep: permission denied for table sweep_runs"));
}

TEST(rights, to_read_are_enough_for_an_audit) {
  Database database = watched_database();
  database.exec(
      "GRANT USAGE ON SCHEMA public TO watchdog_role; GRANT SELECT ON public.upscaler_jobs TO watchdog_role");
  const ProcessResult audit = watch(database, {"audit"});
  EXPECT_EQ(audit.exit_code, 0) << audit.out << audit.err;
  EXPECT_THAT(audit.out, HasSubstr("laws hold"));
  EXPECT_THAT(audit.err, HasSubstr("only the watched tables are proved"));
  database.exec("REVOKE SELECT ON public.upscaler_jobs FROM watchdog_role");
  const ProcessResult refused = watch(database, {"audit"});
  EXPECT_EQ(refused.exit_code, 1) << refused.out;
  EXPECT_THAT(refused.err, HasSubstr("permission denied for table upscaler_jobs"));
}

TEST(rights, that_row_level_security_cuts_are_warned_of_by_a_sweep_and_stop_an_audit) {
  Database database = watched_database();
  database.exec(grants(0));
  database.exec("ALTER TABLE public.upscaler_jobs ENABLE ROW LEVEL SECURITY");
  const ProcessResult sweep = watch(database, {"sweep"});
  EXPECT_EQ(sweep.exit_code, 0) << sweep.out;
  EXPECT_THAT(sweep.err, HasSubstr("stuck rows of public.upscaler_jobs may be invisible"));
  const ProcessResult audit = watch(database, {"audit"});
  EXPECT_EQ(audit.exit_code, 1) << audit.out;
  EXPECT_THAT(audit.err, HasSubstr("row level security may hide rows of upscaler_jobs"));
  EXPECT_THAT(watch(database, {"doctor"}).out, HasSubstr("row level security may hide stuck rows"));
}

/// The block of the managed schema for a role of another name, for what is granted lasts as long as the
/// cluster.
std::string managed_grants(const std::string& role) {
  return std::regex_replace(grants(1), std::regex{"watchdog_login"}, role);
}

void expect_to_sweep_and_prove(Database& database, const std::string& role,
                               std::vector<std::string> more = {}) {
  add_job(database);
  for (const char* command : {"sweep", "audit", "doctor"}) {
    std::vector<std::string> arguments{command};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProcessResult result = run_as(database, role, "managed", arguments);
    EXPECT_EQ(result.exit_code, 0) << command << result.out << result.err;
    EXPECT_EQ(result.err, "") << command;
  }
  EXPECT_EQ(balance(database), "1000");
  EXPECT_EQ(database.value("SELECT outcome FROM watchdog.sweep_runs"), "done");
  EXPECT_EQ(database.value("SELECT count(*) FROM public.audit_log WHERE action = 'sweep'"), "1");
}

TEST(rights, of_the_readme_are_enough_in_managed_mode) {
  Database database = Database::managed();
  ensure_role(database, "ways_login", "LOGIN PASSWORD 'managed'");
  database.exec(managed_grants("ways_login"));
  expect_to_sweep_and_prove(database, "ways_login");
}

TEST(rights, of_a_member_of_the_service_role_are_enough_with_the_role_in_the_configuration) {
  Database database = Database::managed();
  ensure_role(database, "ways_member", "LOGIN PASSWORD 'managed'");
  database.exec("GRANT service_role TO ways_member");
  const ConfigFile config{"[database]\nrole = \"service_role\"\n" + managed_rules()};
  expect_to_sweep_and_prove(database, "ways_member", {"--config", config.path()});
}

TEST(rights, of_the_owner_are_enough_without_any_grant) {
  Database database = Database::empty();
  Database::managed();  // The roles of the managed schema are there.
  ensure_role(database, "ways_owner", "LOGIN PASSWORD 'managed'");
  database.exec("ALTER DATABASE " + database.name() + " OWNER TO ways_owner");
  const ProcessResult migrated = run_as(database, "ways_owner", "managed", {"migrate"});
  ASSERT_EQ(migrated.exit_code, 0) << migrated.err;
  expect_to_sweep_and_prove(database, "ways_owner");
}

TEST(rights, of_a_member_alone_settle_nothing_and_say_why) {
  Database database = Database::managed();
  add_job(database);
  ensure_role(database, "ways_member", "LOGIN PASSWORD 'managed'");
  database.exec("GRANT service_role TO ways_member");
  for (const char* command : {"sweep", "audit", "migrate"}) {
    const ProcessResult result = run_as(database, "ways_member", "managed", {command});
    EXPECT_EQ(result.exit_code, 1) << command << result.out;
    EXPECT_THAT(result.err,
                HasSubstr("row level security hides watchdog.schema_migrations from role ways_member"));
  }
  const ConfigFile config{managed_rules()};
  const ProcessResult sweep =
      run_as(database, "ways_member", "managed", {"sweep", "--config", config.path()});
  EXPECT_THAT(sweep.err, HasSubstr("stuck rows of public.upscaler_jobs may be invisible"));
  EXPECT_EQ(database.value("SELECT status FROM public.ai_jobs"), "running");
}

TEST(rights, of_a_deputy_of_the_owner_do_not_let_an_audit_accuse_for_rows_that_it_cannot_see) {
  Database database = Database::empty();
  ensure_role(database, "ways_owner", "LOGIN PASSWORD 'managed'");
  ensure_role(database, "ways_deputy", "LOGIN PASSWORD 'managed'");
  database.exec("GRANT ways_owner TO ways_deputy; ALTER DATABASE " + database.name() +
                " OWNER TO ways_owner");
  ASSERT_EQ(run_as(database, "ways_owner", "managed", {"migrate"}).exit_code, 0);
  const ProcessResult audit = run_as(database, "ways_deputy", "managed", {"audit"});
  EXPECT_EQ(audit.exit_code, 1) << audit.out;
  EXPECT_THAT(audit.err, HasSubstr("row level security may hide rows of"));
  EXPECT_THAT(audit.err, HasSubstr("credit_ledger"));
}

TEST(rights, to_read_everything_do_not_prove_a_law_while_policies_hide_the_rows_of_any_table_in_it) {
  Database database = Database::managed();
  ensure_role(database, "ways_reader", "LOGIN PASSWORD 'managed'");
  database.exec(
      "GRANT USAGE ON SCHEMA public, watchdog TO ways_reader; GRANT SELECT ON ALL TABLES IN SCHEMA public, watchdog TO ways_reader; "
      "ALTER TABLE watchdog.schema_migrations DISABLE ROW LEVEL SECURITY");
  const ProcessResult audit = run_as(database, "ways_reader", "managed", {"audit"});
  EXPECT_EQ(audit.exit_code, 1) << audit.out;
  const std::string laws = read_file(project_root() / "sql/audit.sql");
  static const std::regex table{"(?:FROM|JOIN) (?:public|watchdog)\\.([a-z_]+)"};
  std::set<std::string> tables;
  for (std::sregex_iterator match{laws.begin(), laws.end(), table}, end; match != end; ++match)
    tables.insert((*match)[1]);
  EXPECT_GE(tables.size(), 9U);
  for (const std::string& name : tables) EXPECT_THAT(audit.err, HasSubstr(name));
}

TEST(rights, of_a_stranger_are_refused_in_managed_mode_with_what_is_missing) {
  Database database = Database::managed();
  ensure_role(database, "ways_stranger", "LOGIN PASSWORD 'managed'");
  for (const char* command : {"sweep", "audit", "migrate", "doctor"}) {
    const ProcessResult result = run_as(database, "ways_stranger", "managed", {command});
    EXPECT_NE(result.exit_code, 0) << command << result.out;
    EXPECT_THAT(result.out + result.err, HasSubstr("permission denied for schema watchdog")) << command;
  }
}

}  // namespace
}  // namespace jobwatchdog::test
