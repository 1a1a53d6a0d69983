// What makes a rule usable: each defect is told with its field and its cure.
#include "core/rule_validation.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "core/builtin_rules.hpp"
#include "tests/core/example_rules.hpp"

namespace jobwatchdog::test {
namespace {

struct Defect {
  const char* where;
  const char* words;
  std::function<void(Rule&)> plant;
};

const std::vector<Defect>& defects() {
  static const std::vector<Defect> all{
      {"name", "has no name", [](Rule& r) { r.name.clear(); }},
      {"name", "cannot be a rule's name", [](Rule& r) { r.name = "two words"; }},
      {"tables", "names no table", [](Rule& r) { r.tables.clear(); }},
      {"tables", "named twice", [](Rule& r) { r.tables.push_back(r.tables.front()); }},
      {"key", "it is empty", [](Rule& r) { r.key.clear(); }},
      {"status", "63", [](Rule& r) { r.status = std::string(64, 'x'); }},
      {"stuck_in", "no status", [](Rule& r) { r.stuck_in.clear(); }},
      {"stuck_in", "UTF-8", [](Rule& r) { r.stuck_in = {"\xff"}; }},
      {"age_of", "which column", [](Rule& r) { r.age_of.clear(); }},
      {"older_than", "after which time", [](Rule& r) { r.older_than = Duration{0}; }},
      {"set", "does not set the status", [](Rule& r) { r.set.erase(r.set.begin()); }},
      {"set", "also in stuck_in", [](Rule& r) { r.set[0].text = "running"; }},
      {"set", "may not be set",
       [](Rule& r) {
         r.set.push_back({"id", Assignment::Kind::literal, "1"});
       }},
      {"set", "set twice",
       [](Rule& r) {
         r.set.push_back({"worker", Assignment::Kind::literal, "1"});
       }},
      {"set", "by the refund itself",
       [](Rule& r) {
         r.set.push_back({"credits_refunded", Assignment::Kind::literal, "true"});
       }},
      {"max_rescues", "below 0", [](Rule& r) { r.rescues_max = -1; }},
      {"max_rescues", "counts the rescues", [](Rule& r) { r.rescues_max = 3; }},
      {"refund.function", "what pays", [](Rule& r) { r.refund->function.reset(); }},
      {"refund.user", "it is empty", [](Rule& r) { r.refund->user.clear(); }},
      {"refund.refunded", "same column", [](Rule& r) { r.refund->refunded = r.refund->charged; }},
      {"provider", "not a provider", [](Rule& r) { r.provider->name = "othercloud"; }},
      {"hard_deadline", "shorter than older_than", [](Rule& r) { r.provider->hard_deadline = minutes(9); }},
      {"set", "of no other",
       [](Rule& r) {
         r.set.push_back({"output_url", Assignment::Kind::output_url, ""});
       }},
      {"succeeded", "does not set the status",
       [](Rule& r) {
         r.provider->succeeded = {{"output_url", Assignment::Kind::output_url, ""}};
       }},
      {"succeeded", "also in stuck_in",
       [](Rule& r) {
         r.provider->succeeded = {{"status", Assignment::Kind::literal, "running"}};
       }},
      {"refund.function", "pays the refund itself",
       [](Rule& r) {
         r.settle_function = QualifiedName{"a", "b"};
       }},
  };
  return all;
}

TEST(a_rule, that_is_right_has_no_problem) {
  EXPECT_TRUE(validate_rule(exam_rule()).empty());
  EXPECT_TRUE(validate_rule(credit_rule()).empty());
  EXPECT_TRUE(validate_rule(capped_rule()).empty());
  EXPECT_TRUE(validate_rule(settle_function_rule()).empty());
  EXPECT_TRUE(validate_rule(hostile_rule()).empty()) << "names are strange, not wrong";
  for (const Rule& rule : builtin_rules({})) EXPECT_TRUE(validate_rule(rule).empty()) << rule.name;
}

TEST(a_rule, with_any_defect_is_refused_with_place_words_and_cure) {
  for (const Defect& defect : defects()) {
    Rule rule = credit_rule();
    defect.plant(rule);
    bool told = false;
    for (const Problem& problem : validate_rule(rule)) {
      EXPECT_FALSE(problem.mend.empty()) << problem.what;
      told = told || (problem.where == defect.where && problem.what.find(defect.words) != std::string::npos);
    }
    EXPECT_TRUE(told) << defect.where << ": " << defect.words;
  }
}

TEST(rules, need_names_of_their_own) {
  EXPECT_TRUE(validate_rule_names({exam_rule(), credit_rule()}).empty());
  EXPECT_EQ(validate_rule_names({exam_rule(), exam_rule()}).size(), 1U);
}

}  // namespace
}  // namespace jobwatchdog::test
