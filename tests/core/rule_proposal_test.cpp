// `adopt`: what is proposed for tables that look like jobs, and what is not.
#include "core/rule_proposal.hpp"

#include <gtest/gtest.h>

namespace jobwatchdog::test {
namespace {

constexpr const char* timestamptz = "timestamp with time zone";

TableProfile profile(const std::string& name, std::vector<ColumnFacts> columns,
                     std::vector<std::string> values) {
  TableProfile made;
  made.facts.table = {"public", name};
  made.facts.exists = true;
  made.facts.columns = std::move(columns);
  made.facts.unique_columns = {"id"};
  made.status_candidates = {{"status", std::move(values)}};
  return made;
}

TableProfile credit_jobs(const std::string& name) {
  return profile(name,
                 {{"id", "uuid", {}, false},
                  {"status", "text", {}, false},
                  {"user_id", "uuid", {}, false},
                  {"user_credit_cost", "integer", {}, false},
                  {"credits_charged", "boolean", {}, false},
                  {"credits_refunded", "boolean", {}, false},
                  {"error_message", "text", {}, false},
                  {"created_at", timestamptz, {}, false},
                  {"completed_at", timestamptz, {}, false}},
                 {"queued", "running", "completed", "failed"});
}

const std::vector<FunctionProfile> refunds{
    {{"public", "refund_upscaler_credits"}, {"uuid", "integer", "text"}}};

TEST(adopt, proposes_a_refund_where_everything_for_it_is_there) {
  const auto proposals = propose_rules({credit_jobs("jobs")}, refunds);
  ASSERT_EQ(proposals.size(), 1U);
  ASSERT_TRUE(proposals[0].rule);
  const Rule& rule = *proposals[0].rule;
  EXPECT_EQ(rule.name, "stuck-jobs");
  EXPECT_EQ(rule.stuck_in, std::vector<std::string>{"running"});
  EXPECT_EQ(rule.age_of, std::vector<std::string>{"created_at"});
  EXPECT_EQ(settled_status(rule), "failed");
  ASSERT_TRUE(rule.refund);
  EXPECT_EQ(rule.refund->amount, "user_credit_cost");
  EXPECT_EQ(rule.refund->function->name, "refund_upscaler_credits");
}

TEST(adopt, says_what_is_missing_for_a_refund_instead_of_guessing) {
  const auto proposals = propose_rules({credit_jobs("jobs")}, {});
  ASSERT_TRUE(proposals.at(0).rule);
  EXPECT_FALSE(proposals[0].rule->refund);
  EXPECT_NE(proposals_as_toml(proposals).find("a refund function f(user, amount, description)"),
            std::string::npos);
}

TEST(adopt, puts_tables_of_one_shape_into_one_rule) {
  const auto proposals = propose_rules({credit_jobs("a_jobs"), credit_jobs("b_jobs")}, refunds);
  ASSERT_EQ(proposals.size(), 1U);
  EXPECT_EQ(proposals[0].rule->tables.size(), 2U);
}

TEST(adopt, understands_portuguese) {
  TableProfile exams = profile("Exames Lab",
                               {{"id", "bigint", {}, false},
                                {"Situação", "text", {}, false},
                                {"Atualizado em", timestamptz, {}, false}},
                               {});
  exams.status_candidates = {{"Situação", {"Pendente", "Em Análise", "Concluído"}}};
  const auto proposals = propose_rules({exams}, {});
  ASSERT_TRUE(proposals.at(0).rule);
  const Rule& rule = *proposals[0].rule;
  EXPECT_EQ(rule.name, "stuck-exames-lab");
  EXPECT_EQ(rule.status, "Situação");
  EXPECT_EQ(rule.stuck_in, std::vector<std::string>{"Em Análise"});
  EXPECT_EQ(rule.age_of, std::vector<std::string>{"Atualizado em"});
  EXPECT_EQ(settled_status(rule), "Pendente");
}

TEST(adopt, leaves_tables_alone_that_are_no_jobs) {
  EXPECT_TRUE(propose_rules({profile("orders", {{"id", "uuid", {}, false}, {"status", "text", {}, false}},
                                     {"paid", "shipped"})},
                            {})
                  .empty());
}

TEST(adopt, explains_a_timestamp_without_time_zone_instead_of_proposing) {
  const auto proposals = propose_rules(
      {profile("jobs", {{"id", "uuid", {}, false}, {"created_at", "timestamp without time zone", {}, false}},
               {"running"})},
      {});
  ASSERT_EQ(proposals.size(), 1U);
  EXPECT_FALSE(proposals[0].rule);
  EXPECT_NE(proposals[0].remarks.at(0).find("AT TIME ZONE 'UTC'"), std::string::npos);
}

TEST(adopt, gives_each_rule_a_name_of_its_own) {
  TableProfile other = credit_jobs("jobs");
  other.facts.table.schema = "legacy";
  other.status_candidates[0].values = {"processing", "failed"};
  const auto proposals = propose_rules({credit_jobs("jobs"), other}, refunds);
  ASSERT_EQ(proposals.size(), 2U);
  EXPECT_NE(proposals[0].rule->name, proposals[1].rule->name);
}

TEST(plain_word, has_no_case_accents_or_separators) {
  EXPECT_EQ(plain_word("Em Análise"), "em_analise");
  EXPECT_EQ(plain_word("  IN-PROGRESS "), "in_progress");
  EXPECT_EQ(plain_word("Ação"), "acao");
}

}  // namespace
}  // namespace jobwatchdog::test
