// Feature flags in core: what is read, what is refused and how, and that hostile text costs nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/flag_evaluation.hpp"
#include "core/murmur3.hpp"
#include "core/policy.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;

const KnownFlag& enabled() { return *find_flag("WATCHDOG_ENABLED"); }
const KnownFlag& interval() { return *find_flag("WATCHDOG_POLL_INTERVAL_MS"); }

/// "character N: what | mend" of a text that is refused; "" of one that is not.
std::string refusal(const std::string& text, const KnownFlag& flag = enabled()) {
  const auto parsed = parse_flag_definition(text, flag);
  if (parsed.ok()) return "";
  const Problem& problem = parsed.error().problem;
  return problem.where + ": " + problem.what + " | " + problem.mend;
}

TEST(flag_registry, has_the_defaults_of_the_policy) {
  const Policy policy;
  EXPECT_EQ(enabled().code_default, policy.watchdog_enabled ? 1 : 0);
  EXPECT_EQ(interval().code_default, policy.watch.poll_interval.ms);
  EXPECT_EQ(find_flag("WATCHDOG_INITIAL_DELAY_MS")->code_default, policy.watch.initial_delay.ms);
  EXPECT_EQ(find_flag("WATCHDOG_MAX_TIMEOUT_MS")->code_default, policy.watch.timeout_max.ms);
  EXPECT_EQ(find_flag("WATCHDOG_SWEEP_ENABLED")->code_default, 1);
  EXPECT_EQ(find_flag("watchdog_enabled"), nullptr);
}

TEST(flag_registry, every_default_is_within_its_range_and_can_be_written_as_a_definition) {
  for (const KnownFlag& flag : known_flags()) {
    const FlagValue value{flag.type, flag.code_default};
    const FlagEvaluation evaluation = evaluate_flag_text(flag.name, flag_value_text(value), {});
    EXPECT_EQ(evaluation.value, value) << flag.name;
    EXPECT_EQ(evaluation.reason, FlagReason::fixed) << flag.name;
  }
}

TEST(flag_definition, that_is_wrong_tells_place_reason_and_cure) {
  struct Mistake {
    const char* text;
    std::vector<std::string> words;
  };
  const std::vector<Mistake> mistakes{
      {"", {"character 1", "it ends where true or false is expected", "for example"}},
      {"ture", {"character 1", "\"ture\" is not true or false", "did you mean \"true\"?"}},
      {"TRUE", {"did you mean \"true\"?"}},
      {"30000", {"of the wrong type", "WATCHDOG_ENABLED is true or false"}},
      {"true when user in (a)",
       {"character 6", "\"when\" stands where \"if\", \"for\" or \";\" is expected"}},
      {"true if usr in (a)",
       {"character 9", "\"usr\" is nothing that a flag can be told by", "did you mean \"user\"?"}},
      {"true if user (a)", {"character 14", "\"in (...)\" or \"not in (...)\""}},
      {"true if user in a", {"character 17", "\"(\" is expected"}},
      {"true if user in (a b)", {"character 20", "\",\" or \")\" is expected"}},
      {"true if user in (a, )", {"character 21", "an id, in double quotes"}},
      {"true if user in (\"\")", {"an id"}},
      {"true if user in (\"a", {"character 18", "a double quote is opened"}},
      {"true if user in (\"a\nb\")", {"a double quote is opened"}},
      {"true if user in (a) or tool in (b)", {"character 21", "\"or\" stands where"}},
      {"true for 25 of user", {"character 13", "\"%\" is expected"}},
      {"true for ten% of user", {"character 10", "\"ten\" is not a percentage"}},
      {"true for 1000% of user", {"\"1000\" is not a percentage"}},
      {"true for 25% user", {"\"of\" is expected"}},
      {"true for 25% of user by", {"a group"}},
      {"true for 25% of user if tool in (a)", {"character 22", "\"if\" stands where \";\" is expected"}},
      {"true; false", {"character 7", "nothing behind a rule that always matches"}},
      {"true if user in (a);", {"character 21", "it ends where true or false"}},
      {"disabled true", {"character 10", "\";\" is expected"}},
      {"true if user in (a); disabled", {"\"disabled\" is not true or false"}},
  };
  for (const Mistake& mistake : mistakes) {
    for (const std::string& word : mistake.words)
      EXPECT_THAT(refusal(mistake.text), HasSubstr(word)) << mistake.text;
  }
  EXPECT_THAT(refusal("0", interval()), HasSubstr("give a number from 1000 to 604800000"));
  EXPECT_THAT(refusal("15 s", interval()), HasSubstr("\"15\" is outside"));
  EXPECT_THAT(refusal("15s", interval()), HasSubstr("write digits only"));
}

TEST(flag_definition, never_shows_control_characters_of_a_text_back) {
  for (const char* text : {"\x1b[31m", "true if user in (a)\x1b[31m", "true \x07"}) {
    EXPECT_NE(refusal(text), "") << text;
    for (const char c : refusal(text)) EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
  }
}

std::string many(const std::string& piece, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += piece;
  return text;
}

TEST(flag_definition, has_limits_and_works_up_to_them) {
  const std::string rule = "true if user in (a); ";
  EXPECT_EQ(refusal(many(rule, 63) + "false"), "");
  EXPECT_THAT(refusal(many(rule, 64) + "false"), HasSubstr("more than 64 rules"));
  const std::string condition = " and user in (a)";
  EXPECT_EQ(refusal("true if user in (a)" + many(condition, 7)), "");
  EXPECT_THAT(refusal("true if user in (a)" + many(condition, 8)), HasSubstr("more than 8 conditions"));
  EXPECT_EQ(refusal("true if user in (" + many("a", 200) + ")"), "");
  EXPECT_THAT(refusal("true if user in (" + many("a", 201) + ")"), HasSubstr("longer than 200 bytes"));
  EXPECT_EQ(refusal("true" + many(" ", 16'380)), "");
  EXPECT_THAT(refusal("true" + many(" ", 16'381)), HasSubstr("longer than 16384 bytes"));
}

TEST(flag_definition, survives_any_cut_and_any_changed_byte) {
  const std::string text =
      "disabled; true if user in (\"a b\", c) and tool not in (d) for 25% of session by \"g\"; false";
  ASSERT_EQ(refusal(text), "");
  for (std::size_t at = 0; at < text.size(); ++at) {
    static_cast<void>(refusal(text.substr(0, at)));
    for (const int mask : {0x01, 0x15, 0x80}) {
      std::string bent = text;
      bent[at] = static_cast<char>(bent[at] ^ mask);
      static_cast<void>(refusal(bent));
    }
  }
}

TEST(flag_evaluation, of_an_unknown_flag_proposes_the_nearest_one) {
  const FlagEvaluation evaluation = evaluate_flag_text("WATCHDOG_ENABELD", "true", {});
  EXPECT_FALSE(evaluation.value.is_on());
  EXPECT_EQ(evaluation.error_code, FlagErrorCode::flag_not_found);
  EXPECT_THAT(evaluation.error_message, HasSubstr("WATCHDOG_ENABLED"));
}

TEST(flag_evaluation, names_the_rule_that_decided) {
  const std::string text = "true if user in (a); true if tool in (b); false";
  EXPECT_EQ(evaluate_flag_text("WATCHDOG_ENABLED", text, {"a", "b", ""}).variant, "rule 1");
  EXPECT_EQ(evaluate_flag_text("WATCHDOG_ENABLED", text, {"x", "b", ""}).variant, "rule 2");
  EXPECT_EQ(evaluate_flag_text("WATCHDOG_ENABLED", text, {}).variant, "rule 3");
  EXPECT_EQ(evaluate_flag_text("WATCHDOG_ENABLED", "true", {}).variant, "");
}

TEST(flag_evaluation, tells_why_a_rule_does_not_match) {
  using Kind = FlagRuleFate::Kind;
  const auto fate = [](const std::string& text, const FlagContext& context) {
    return fate_of_rule(enabled(), parse_flag_definition(text, enabled()).value().rules[0], context);
  };
  EXPECT_EQ(fate("true if tool in (a)", {}).kind, Kind::condition_fails);
  EXPECT_EQ(fate("true if tool in (a)", {}).field, FlagField::tool);
  EXPECT_EQ(fate("true for 99% of session", {"u", "t", ""}).kind, Kind::field_is_missing);
  EXPECT_EQ(fate("true for 26% of user", {"7", "", ""}).kind, Kind::matches);
  EXPECT_EQ(fate("true for 25% of user", {"7", "", ""}).kind, Kind::outside_of_share);
  EXPECT_EQ(fate("true for 25% of user", {"7", "", ""}).bucket, 26);
}

// Vectors that the hash's author and others publish, and each length of a last block.
TEST(murmur3, gives_the_published_hashes) {
  EXPECT_EQ(murmur3(""), 0U);
  EXPECT_EQ(murmur3("", 1), 0x514E28B7U);
  EXPECT_EQ(murmur3("", 0xFFFFFFFFU), 0x81F16F39U);
  EXPECT_EQ(murmur3("Hello, world!", 0x9747B28CU), 0x24884CBAU);
  EXPECT_EQ(murmur3("aaaa", 0x9747B28CU), 0x5A97808AU);
  EXPECT_EQ(murmur3("aaa", 0x9747B28CU), 0x283E0130U);
  EXPECT_EQ(murmur3("aa", 0x9747B28CU), 0x5D211726U);
  EXPECT_EQ(murmur3("a", 0x9747B28CU), 0x7FA09EA6U);
}

}  // namespace
}  // namespace jobwatchdog::test
