// Whether a rule fits a table: every misfit is told in words with what to do.
#include "core/rule_lint.hpp"

#include <gtest/gtest.h>

#include "tests/core/example_rules.hpp"

namespace jobwatchdog::test {
namespace {

TableFacts fitting_table() {
  TableFacts facts;
  facts.table = {"public", "upscaler_jobs"};
  facts.exists = true;
  facts.role = "app";
  facts.columns = {{"id", "uuid", {}, false},
                   {"status", "text", {}, false},
                   {"created_at", "timestamp with time zone", {}, false},
                   {"error_message", "text", {}, false},
                   {"completed_at", "timestamp with time zone", {}, false},
                   {"output_url", "text", {}, false},
                   {"worker", "text", {}, false},
                   {"user_id", "uuid", {}, false},
                   {"cost", "integer", {}, false},
                   {"credits_charged", "boolean", {}, false},
                   {"credits_refunded", "boolean", {}, false},
                   {"task_id", "text", {}, false},
                   {"api_account", "text", {}, false}};
  facts.unique_columns = {"id"};
  facts.find_uses_index = true;
  return facts;
}

ColumnFacts& column(TableFacts& facts, const std::string& name) {
  for (ColumnFacts& candidate : facts.columns) {
    if (candidate.name == name) return candidate;
  }
  return facts.columns.front();
}

/// The one finding that these facts give, as "level | where | what | mend".
std::string only_finding(const TableFacts& facts) {
  std::vector<Finding> findings = lint_shape(credit_rule(), facts, {"public.upscaler_job", "public.exams"});
  if (findings.empty()) findings = lint_behaviour(credit_rule(), facts);
  if (findings.size() != 1) return std::to_string(findings.size()) + " findings";
  static const char* const levels[] = {"error", "warning", "note"};
  const Problem& problem = findings[0].problem;
  return std::string{levels[static_cast<int>(findings[0].level)]} + " | " + problem.where + " | " +
         problem.what + " | " + problem.mend;
}

void expect_finding(const TableFacts& facts, std::initializer_list<const char*> parts) {
  const std::string finding = only_finding(facts);
  for (const char* part : parts)
    EXPECT_NE(finding.find(part), std::string::npos) << "\"" << part << "\" is not in: " << finding;
}

TEST(lint, says_nothing_of_a_table_that_fits) { EXPECT_EQ(only_finding(fitting_table()), "0 findings"); }

TEST(lint, tells_of_a_missing_table_and_the_nearest_one) {
  TableFacts facts = fitting_table();
  facts.exists = false;
  expect_finding(facts, {"error", "no such table", "did you mean \"public.upscaler_job\"?"});
}

TEST(lint, refuses_views) {
  TableFacts facts = fitting_table();
  facts.kind = 'v';
  expect_finding(facts, {"error", "is not a table"});
}

TEST(lint, tells_of_a_missing_column_and_the_nearest_one) {
  TableFacts facts = fitting_table();
  column(facts, "worker").name = "workers";
  expect_finding(facts, {"error", "no column \"worker\"", "did you mean \"workers\"?"});
}

TEST(lint, tells_where_to_name_the_place_of_a_result_when_the_usual_one_is_not_there) {
  TableFacts facts = fitting_table();
  column(facts, "output_url").name = "picture";
  expect_finding(facts, {"error", "no column \"output_url\"", "succeeded = {"});
}

TEST(lint, refuses_a_timestamp_without_time_zone_and_shows_the_alter_table) {
  TableFacts facts = fitting_table();
  column(facts, "created_at").type = "timestamp without time zone";
  expect_finding(facts,
                 {"error", "which instant",
                  "ALTER TABLE \"public\".\"upscaler_jobs\" ALTER COLUMN \"created_at\" TYPE timestamptz"});
  column(facts, "created_at").type = "date";
  expect_finding(facts, {"error", "has the type date", "timestamptz"});
}

TEST(lint, refuses_flags_and_amounts_of_the_wrong_type) {
  TableFacts facts = fitting_table();
  column(facts, "credits_charged").type = "text";
  expect_finding(facts, {"error", "refund.charged needs boolean"});
  facts = fitting_table();
  column(facts, "cost").type = "text";
  expect_finding(facts, {"error", "refund.amount needs a whole number"});
}

TEST(lint, refuses_a_status_that_the_enum_does_not_have) {
  TableFacts facts = fitting_table();
  column(facts, "status").enum_labels = {"queued", "starting", "running", "fail"};
  expect_finding(facts, {"error", "\"failed\" is not a value of the enum", "did you mean \"fail\"?"});
}

TEST(lint, refuses_a_key_that_is_not_unique) {
  TableFacts facts = fitting_table();
  facts.unique_columns.clear();
  expect_finding(facts, {"error", "not unique by itself", "primary key"});
}

TEST(lint, tells_missing_rights_with_the_grant) {
  TableFacts facts = fitting_table();
  facts.may_update = false;
  expect_finding(facts, {"error", "role app may not update it",
                         "GRANT SELECT, UPDATE ON \"public\".\"upscaler_jobs\" TO \"app\""});
}

TEST(lint, tells_a_missing_index_with_the_statement_that_makes_it) {
  TableFacts facts = fitting_table();
  facts.find_uses_index = false;
  facts.estimated_rows = 2'000'000;
  expect_finding(
      facts,
      {"warning", "no usable index",
       "CREATE INDEX CONCURRENTLY ON \"public\".\"upscaler_jobs\" (\"created_at\", \"id\") WHERE \"status\" IN"});
  facts.estimated_rows = 500;
  expect_finding(facts, {"note", "no usable index"});
}

TEST(lint, tells_of_triggers_that_refuse_and_what_they_look_at) {
  TableFacts facts = fitting_table();
  facts.triggers = {
      {"guard", "public.guard", {"only the service may"}, {"the role", "setting request.jwt.claims"}}};
  expect_finding(facts, {"warning", "trigger guard", "only the service may", "setting request.jwt.claims",
                         "[database]"});
  facts.triggers = {{"quiet", "public.touch", {}, {}}};
  EXPECT_EQ(only_finding(facts), "0 findings");
}

TEST(lint, tells_of_rows_that_row_level_security_hides) {
  TableFacts facts = fitting_table();
  facts.hides_rows = true;
  expect_finding(facts, {"warning", "row level security", "BYPASSRLS"});
}

TEST(lint, tells_of_rows_whose_age_nobody_knows) {
  TableFacts facts = fitting_table();
  facts.rows_without_age = 7;
  expect_finding(facts, {"warning", "7 rows", "NULL"});
}

TEST(lint, explains_a_refund_function_of_another_signature) {
  TableFacts facts = fitting_table();
  facts.statement_errors = {
      {"refund", "42883", "function public.refund_credits(uuid, integer, unknown) does not exist"}};
  facts.refund_candidates = {"refund_credits(uuid,bigint)"};
  expect_finding(facts,
                 {"error", "does not exist", "f(user, amount, description)", "refund_credits(uuid,bigint)"});
}

}  // namespace
}  // namespace jobwatchdog::test
