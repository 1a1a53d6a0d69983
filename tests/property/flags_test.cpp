// Feature flags at random: what is written is read again, percentages only ever add, and a plain model gives
// the same values.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <map>

#include "core/flag_evaluation.hpp"
#include "tests/property/property.hpp"

namespace jobwatchdog::test {
namespace {

const KnownFlag& some_flag() {
  return known_flags()[*rc::gen::inRange<std::size_t>(0, known_flags().size())];
}

/// An id as people and attackers choose them; few letters, so that they meet.
std::string random_id() {
  static const std::vector<std::string> pieces{"a", "b", "7", "-", "_", "@",  " ", "\"",
                                               ",", ";", "(", ")", "%", "in", "é", "'"};
  std::string id;
  const auto count = *rc::gen::inRange(1, 4);
  for (int i = 0; i < count; ++i) id += *rc::gen::elementOf(pieces);
  return id;
}

FlagField random_field() { return *rc::gen::element(FlagField::user, FlagField::tool, FlagField::session); }

FlagValue random_value(const KnownFlag& flag) {
  return {flag.type, *rc::gen::inRange(flag.least, flag.most + 1)};
}

FlagRule random_rule(const KnownFlag& flag) {
  FlagRule rule{random_value(flag), {}, std::nullopt};
  const auto condition_count = *rc::gen::inRange(0, 3);
  for (int i = 0; i < condition_count; ++i) {
    FlagCondition condition{random_field(), *rc::gen::arbitrary<bool>(), {}};
    const auto id_count = *rc::gen::inRange(1, 4);
    for (int j = 0; j < id_count; ++j) condition.ids.push_back(random_id());
    rule.conditions.push_back(condition);
  }
  if (*rc::gen::arbitrary<bool>())
    rule.rollout = FlagRollout{*rc::gen::inRange(0, 101), random_field(),
                               *rc::gen::arbitrary<bool>() ? random_id() : ""};
  return rule;
}

FlagDefinition random_definition(const KnownFlag& flag) {
  FlagDefinition definition;
  definition.is_disabled = *rc::gen::inRange(0, 5) == 0;
  const auto rule_count = *rc::gen::inRange(definition.is_disabled ? 0 : 1, 5);
  for (int i = 0; i < rule_count; ++i) {
    definition.rules.push_back(random_rule(flag));
    if (definition.rules.back().always_matches()) break;
  }
  return definition;
}

FlagContext random_context() {
  const auto maybe = [] { return *rc::gen::arbitrary<bool>() ? random_id() : ""; };
  return {maybe(), maybe(), maybe()};
}

PROPERTY(flags, a_definition_is_read_as_it_was_written, 2'000) {
  const KnownFlag& flag = some_flag();
  const FlagDefinition definition = random_definition(flag);
  const auto read = parse_flag_definition(flag_definition_text(definition), flag);
  RC_ASSERT(read.ok());
  RC_ASSERT(read.value() == definition);
}

PROPERTY(flags, any_text_is_a_definition_or_a_problem_with_a_cure, 3'000) {
  static const std::vector<std::string> words{
      "true", "false", "disabled", ";", " ",  "if", "for", "user", "tool", "in", "not",  "(",    ")",
      ",",    "and",   "25",       "%", "of", "by", "\"",  "a",    "\x80", "\n", "\x01", "30000"};
  std::string text;
  const auto count = *rc::gen::inRange(0, 20);
  for (int i = 0; i < count; ++i)
    text += *rc::gen::elementOf(words) + (*rc::gen::arbitrary<bool>() ? " " : "");
  const KnownFlag& flag = some_flag();
  const auto read = parse_flag_definition(text, flag);
  if (read.ok()) {
    const auto again = parse_flag_definition(flag_definition_text(read.value()), flag);
    RC_ASSERT(again.ok());
    RC_ASSERT(again.value() == read.value());
  } else {
    const Problem& problem = read.error().problem;
    RC_ASSERT(!problem.where.empty());
    RC_ASSERT(!problem.what.empty());
    RC_ASSERT(!problem.mend.empty());
    RC_ASSERT(evaluate_flag_text(flag.name, text, {}).value.number == flag.code_default);
  }
}

/// The model: the same words, told without the engine's helpers. Only the place among 100 is core's; other
/// tests hold that.
std::int64_t model_value(const KnownFlag& flag, const FlagDefinition& definition,
                         const FlagContext& context) {
  const std::map<FlagField, std::string> known{{FlagField::user, context.user},
                                               {FlagField::tool, context.tool},
                                               {FlagField::session, context.session}};
  if (definition.is_disabled) return flag.type == FlagType::boolean ? 0 : flag.code_default;
  for (const FlagRule& rule : definition.rules) {
    int refusals = 0;
    for (const FlagCondition& condition : rule.conditions) {
      const auto hits = std::count(condition.ids.begin(), condition.ids.end(), known.at(condition.field));
      if ((hits == 0) != condition.is_negated) ++refusals;
    }
    if (rule.rollout) {
      const std::string& id = known.at(rule.rollout->field);
      const std::string group = rule.rollout->group.empty() ? std::string{flag.name} : rule.rollout->group;
      if (id.empty() || flag_bucket(group, id) > rule.rollout->percent) ++refusals;
    }
    if (refusals == 0) return rule.value.number;
  }
  return flag.code_default;
}

PROPERTY(flags, a_value_is_what_a_plain_model_says, 3'000) {
  const KnownFlag& flag = some_flag();
  const FlagDefinition definition = random_definition(flag);
  const FlagContext context = random_context();
  const FlagEvaluation evaluation = evaluate_flag(flag, definition, context);
  RC_ASSERT(evaluation.value.type == flag.type);
  RC_ASSERT(evaluation.value.number == model_value(flag, definition, context));
  RC_ASSERT(evaluation.error_code == FlagErrorCode::none);
}

bool is_on(int percent, const std::string& user, const std::string& group = "") {
  FlagDefinition definition;
  definition.rules = {{{FlagType::boolean, 1}, {}, FlagRollout{percent, FlagField::user, group}}};
  return evaluate_flag(known_flags()[0], definition, {user, "", ""}).value.is_on();
}

PROPERTY(flags, a_higher_percentage_never_takes_anybody_away, 2'000) {
  const std::string user = random_id();
  const auto low = *rc::gen::inRange(0, 101);
  const auto high = *rc::gen::inRange(low, 101);
  if (is_on(low, user)) RC_ASSERT(is_on(high, user));
  RC_ASSERT(!is_on(0, user));
  RC_ASSERT(is_on(100, user));
}

/// How many of 2,000 users a percentage takes, in standard deviations from its share.
double deviation(const std::string& group, int percent) {
  constexpr int user_count = 2'000;
  int taken = 0;
  for (int i = 0; i < user_count; ++i) taken += is_on(percent, "user-" + std::to_string(i), group) ? 1 : 0;
  const double share = percent / 100.0;
  return std::abs(taken - user_count * share) / std::sqrt(user_count * share * (1 - share));
}

PROPERTY(flags, a_percentage_takes_its_share_of_users, 50) {
  RC_ASSERT(deviation("group " + std::to_string(*rc::gen::inRange(0, 1'000'000)), *rc::gen::inRange(1, 100)) <
            6);
}

// The twins.

TEST(flags_twin, ids_without_their_quotes_do_not_come_back) {
  expect_caught(
      "ids written bare",
      [] {
        const FlagDefinition definition = random_definition(known_flags()[0]);
        std::string text = flag_definition_text(definition);
        text.erase(std::remove(text.begin(), text.end(), '"'), text.end());
        const auto read = parse_flag_definition(text, known_flags()[0]);
        RC_ASSERT((read.ok() && read.value() == definition));
      },
      2'000);
}

TEST(flags_twin, a_place_that_depends_on_the_percentage_takes_people_away) {
  expect_caught(
      "the percentage is part of the salt",
      [] {
        const std::string user = random_id();
        const auto low = *rc::gen::inRange(0, 101);
        const auto high = *rc::gen::inRange(low, 101);
        if (is_on(low, user, std::to_string(low) + "x"))
          RC_ASSERT(is_on(high, user, std::to_string(high) + "x"));
      },
      2'000);
}

TEST(flags_twin, a_model_without_negation_differs) {
  expect_caught(
      "a model that forgets what is not in a list",
      [] {
        const KnownFlag& flag = some_flag();
        FlagDefinition definition = random_definition(flag);
        const FlagContext context = random_context();
        const auto value = evaluate_flag(flag, definition, context).value.number;
        for (FlagRule& rule : definition.rules) {
          for (FlagCondition& condition : rule.conditions) condition.is_negated = false;
        }
        RC_ASSERT(value == model_value(flag, definition, context));
      },
      3'000);
}

}  // namespace
}  // namespace jobwatchdog::test
