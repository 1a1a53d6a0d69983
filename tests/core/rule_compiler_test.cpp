// A rule compiles to static, quoted SQL: held against golden files and against hostile names.
#include "core/rule_compiler.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "core/builtin_rules.hpp"
#include "tests/core/example_rules.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

/// Compares with tests/golden/sql/NAME.sql; WATCHDOG_WRITE_GOLDEN=1 writes the file instead, for a person to
/// read.
void expect_golden(const std::string& name, const Rule& rule) {
  const std::filesystem::path path = project_root() / "tests/golden/sql" / (name + ".sql");
  const std::string compiled = compiled_rule_text(rule, rule.tables.front());
  if (std::getenv("WATCHDOG_WRITE_GOLDEN") != nullptr) std::ofstream{path} << compiled;
  EXPECT_EQ(compiled, read_file(path))
      << path
      << ": if the change is meant, run this test with WATCHDOG_WRITE_GOLDEN=1 and read the difference";
}

/// The text with everything inside quotes and comments removed: what PostgreSQL would read as commands.
std::string outside_quotes(const std::string& sql) {
  std::string out;
  for (std::size_t at = 0; at < sql.size(); ++at) {
    if (sql.compare(at, 2, "--") == 0) {
      while (at < sql.size() && sql[at] != '\n') ++at;
      continue;
    }
    const char quote = sql[at];
    if (quote != '\'' && quote != '"') {
      out += quote;
      continue;
    }
    const bool escapes = quote == '\'' && at > 0 && sql[at - 1] == 'E';
    for (++at; at < sql.size(); ++at) {
      if (escapes && sql[at] == '\\') {
        ++at;
      } else if (sql[at] == quote) {
        if (at + 1 >= sql.size() || sql[at + 1] != quote) break;
        ++at;
      }
    }
  }
  return out;
}

TEST(compiled_sql, of_the_exam_rule_is_the_golden_one) { expect_golden("exams", exam_rule()); }
TEST(compiled_sql, of_a_rule_with_refund_and_provider_is_the_golden_one) {
  expect_golden("credits", credit_rule());
}
TEST(compiled_sql, of_a_capped_rule_is_the_golden_one) { expect_golden("capped", capped_rule()); }
TEST(compiled_sql, of_a_settle_function_is_the_golden_one) {
  expect_golden("settle_function", settle_function_rule());
}
TEST(compiled_sql, of_hostile_names_is_the_golden_one) { expect_golden("hostile", hostile_rule()); }

TEST(compiled_sql, of_the_builtin_rules_is_the_golden_one) {
  expect_golden("builtin_exams", builtin_rules({})[0]);
  expect_golden("builtin_jobs", builtin_rules({})[1]);
}

TEST(compiled_sql, lets_no_hostile_name_out_of_its_quotes) {
  const std::string commands =
      outside_quotes(compiled_rule_text(hostile_rule(), hostile_rule().tables.front()));
  EXPECT_EQ(commands.find("DROP"), std::string::npos) << commands;
  EXPECT_EQ(commands.find("now()"), std::string::npos) << commands;
  EXPECT_EQ(commands.find("$$"), std::string::npos) << commands;
}

TEST(compiled_sql, would_show_a_name_that_was_not_quoted) {
  EXPECT_NE(outside_quotes("SELECT id; DROP TABLE x; --").find("DROP"), std::string::npos);
  EXPECT_NE(outside_quotes("SELECT 'a\\'; DROP TABLE x; --'").find("DROP"), std::string::npos);
}

TEST(compiled_sql, guards_by_status_and_age_when_it_reads_and_again_when_it_writes) {
  const CompiledRule compiled = compile_rule(credit_rule(), credit_rule().tables.front());
  for (const std::string& sql : {compiled.take, compiled.find, compiled.lock}) {
    EXPECT_NE(sql.find(R"(t."status" IN ('running', 'queued', 'starting'))"), std::string::npos) << sql;
    EXPECT_NE(sql.find(R"(t."created_at" < $1::timestamptz - interval '600000 milliseconds')"),
              std::string::npos)
        << sql;
  }
  for (const std::string& sql : {compiled.take, compiled.lock})
    EXPECT_NE(sql.find("FOR UPDATE SKIP LOCKED"), std::string::npos);
}

TEST(compiled_sql, settles_a_provider_task_without_its_word_only_after_the_hard_deadline) {
  const CompiledRule with = compile_rule(credit_rule(), credit_rule().tables.front());
  Rule plain = credit_rule();
  plain.provider.reset();
  const CompiledRule without = compile_rule(plain, plain.tables.front());
  for (const auto statement : {&CompiledRule::take, &CompiledRule::lock}) {
    EXPECT_NE(
        (with.*statement)
            .find(
                R"((t."task_id" IS NULL OR t."created_at" < $1::timestamptz - interval '720000 milliseconds'))"),
        std::string::npos);
    EXPECT_EQ((without.*statement).find("720000"), std::string::npos);
  }
}

TEST(compiled_sql, of_a_pass_that_asks_settles_no_row_with_a_task_unless_it_was_asked_about) {
  const CompiledRule asking =
      compile_rule(credit_rule(), credit_rule().tables.front(), ProviderAccess::asking);
  for (const auto statement : {&CompiledRule::take, &CompiledRule::lock}) {
    EXPECT_NE((asking.*statement).find("AND t.\"task_id\" IS NULL"), std::string::npos);
    EXPECT_EQ((asking.*statement).find("720000"), std::string::npos);
  }
  EXPECT_NE(asking.suspects.find("AND t.\"task_id\" IS NOT NULL"), std::string::npos);
  EXPECT_NE(asking.lock_suspects.find(R"(t."status" IN ('running', 'queued', 'starting'))"),
            std::string::npos)
      << "guarded again when it writes";
}

TEST(compiled_sql, of_a_success_gives_nothing_back) {
  const CompiledRule compiled = compile_rule(credit_rule(), credit_rule().tables.front());
  EXPECT_NE(compiled.settle.find("credits_refunded"), std::string::npos);
  EXPECT_EQ(compiled.succeed.find("credits_refunded"), std::string::npos);
}

TEST(compiled_sql, pays_in_the_order_of_users_so_that_two_sweeps_cannot_deadlock) {
  const std::string refund = compile_rule(credit_rule(), credit_rule().tables.front()).refund;
  EXPECT_NE(refund.find(R"(ORDER BY t."user_id", t."id")"), std::string::npos) << refund;
}

}  // namespace
}  // namespace jobwatchdog::test
