// Unleash's published cases, translated into our grammar: for the same user we must give the same verdict.
//
// The specification tells features by strategies; a feature is on when any strategy says so. Each strategy
// becomes one rule. What our grammar does not have (random, addresses, dates, segments, variants, ...) does
// not apply, and is counted with its reason, so that no case gets lost silently.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/flag_evaluation.hpp"
#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

using Json = nlohmann::json;

/// Why a case cannot be told in our grammar.
struct DoesNotApply {
  std::string why;
};

/// A field of a context; "" when it is missing or null.
std::string text_of(const Json& object, const std::string& name) {
  return object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

/// What names of the specification are which of our three fields. Names that we do not have are only opaque
/// words to `in` and `not in`, so they may stand as the tool, and where no session is asked for, as the
/// session.
class Fields {
 public:
  explicit Fields(const Json& feature) {
    const std::string text = feature.dump();
    // A rollout that sticks to what there is may stick to the session.
    const bool asks_for_session =
        text.find("sessionId") != std::string::npos || text.find("flexibleRollout") != std::string::npos;
    if (asks_for_session) fields_["sessionId"] = FlagField::session;
    if (!asks_for_session) free_.insert(free_.begin(), FlagField::session);
  }

  FlagField of(const std::string& name) {
    if (const auto known = fields_.find(name); known != fields_.end()) return known->second;
    if (free_.empty()) throw DoesNotApply{"more fields than ours"};
    const FlagField field = free_.back();
    free_.pop_back();
    return fields_[name] = field;
  }

  [[nodiscard]] FlagContext context(const Json& told) const {
    FlagContext context;
    for (const auto& [name, field] : fields_) {
      std::string& target = field == FlagField::user   ? context.user
                            : field == FlagField::tool ? context.tool
                                                       : context.session;
      target = text_of(told, name) + text_of(told.value("properties", Json::object()), name);
    }
    return context;
  }

 private:
  std::map<std::string, FlagField> fields_{{"userId", FlagField::user}};
  std::vector<FlagField> free_{FlagField::tool};
};

std::vector<std::string> split_ids(const std::string& list) {
  std::vector<std::string> ids;
  std::istringstream stream{list};
  for (std::string id; std::getline(stream, id, ',');) {
    const auto from = id.find_first_not_of(' ');
    if (from != std::string::npos) ids.push_back(id.substr(from, id.find_last_not_of(' ') - from + 1));
  }
  return ids;
}

/// Adds the condition; false when nothing can ever fulfil it.
bool add_condition(FlagRule& rule, FlagField field, bool is_negated, const std::vector<std::string>& ids) {
  if (ids.empty()) return is_negated;
  rule.conditions.push_back({field, is_negated, ids});
  return true;
}

/// Unleash's "default" stickiness: the user, else the session, else at random.
FlagField sticky_field(const std::string& stickiness, const Json& context, Fields& fields) {
  if (stickiness != "default") return fields.of(stickiness);
  if (!text_of(context, "userId").empty()) return FlagField::user;
  if (!text_of(context, "sessionId").empty()) return FlagField::session;
  throw DoesNotApply{"random without user and session"};
}

void add_rollout(FlagRule& rule, const Json& strategy, const std::string& feature, const Json& context,
                 Fields& fields) {
  const std::string name = strategy["name"];
  const Json parameters = strategy.value("parameters", Json::object());
  const bool is_flexible = name == "flexibleRollout";
  const std::string stickiness = name == "gradualRolloutUserId" ? "userId"
                                 : name == "gradualRolloutSessionId"
                                     ? "sessionId"
                                     : parameters.value("stickiness", "default");
  const std::string percent = parameters.value(is_flexible ? "rollout" : "percentage", "0");
  rule.rollout = FlagRollout{std::stoi(percent), sticky_field(stickiness, context, fields),
                             parameters.value("groupId", feature)};
}

/// One strategy as a rule; nothing when it can never be on.
std::optional<FlagRule> rule_of(const Json& strategy, const std::string& feature, const Json& context,
                                Fields& fields) {
  FlagRule rule;
  rule.value = {FlagType::boolean, 1};
  bool can_match = true;
  if (strategy.contains("segments") && !strategy["segments"].empty()) throw DoesNotApply{"segments"};
  for (const Json& constraint : strategy.value("constraints", Json::array())) {
    const std::string op = constraint["operator"];
    if (op != "IN" && op != "NOT_IN") throw DoesNotApply{"operator " + op};
    const bool is_negated = (op == "NOT_IN") != constraint.value("inverted", false);
    can_match = add_condition(rule, fields.of(constraint["contextName"]), is_negated, constraint["values"]) &&
                can_match;
  }
  const std::string name = strategy["name"];
  if (name == "userWithId") {
    can_match = add_condition(rule, FlagField::user, false, split_ids(strategy["parameters"]["userIds"])) &&
                can_match;
  } else if (name == "flexibleRollout" || name == "gradualRolloutUserId" ||
             name == "gradualRolloutSessionId") {
    add_rollout(rule, strategy, feature, context, fields);
  } else if (name != "default") {
    throw DoesNotApply{"strategy " + name};
  }
  return can_match ? std::optional{rule} : std::nullopt;
}

FlagDefinition definition_of(const Json& feature, const Json& context, Fields& fields) {
  if (feature.contains("dependencies") && !feature["dependencies"].empty())
    throw DoesNotApply{"dependencies"};
  FlagDefinition definition;
  definition.is_disabled = !feature["enabled"].get<bool>();
  const Json strategies = feature.value("strategies", Json::array());
  bool is_decided = false;
  for (const Json& strategy : strategies) {
    const auto rule = rule_of(strategy, feature["name"], context, fields);
    if (!rule || is_decided) continue;
    is_decided = rule->always_matches();
    definition.rules.push_back(*rule);
  }
  if (!is_decided)
    definition.rules.push_back({{FlagType::boolean, strategies.empty() ? 1 : 0}, {}, std::nullopt});
  return definition;
}

const Json* feature_named(const Json& state, const std::string& name) {
  for (const Json& feature : state["features"]) {
    if (feature["name"] == name) return &feature;
  }
  return nullptr;
}

/// Our verdict over one case, through the text: what is translated is printed and parsed.
bool verdict(const Json& state, const Json& test, const std::string& salt) {
  if (!state.contains("features")) throw DoesNotApply{"events instead of features"};
  const Json* feature = feature_named(state, test["toggleName"]);
  if (feature == nullptr)
    return evaluate_flag_text(test["toggleName"].get<std::string>(), "true", {}).value.is_on();
  Fields fields{*feature};
  FlagDefinition definition = definition_of(*feature, test["context"], fields);
  for (FlagRule& rule : definition.rules) {
    if (rule.rollout) rule.rollout->group += salt;
  }
  return evaluate_flag_text("WATCHDOG_ENABLED", flag_definition_text(definition),
                            fields.context(test["context"]))
      .value.is_on();
}

struct Replay {
  int agreed_count{0};
  std::vector<std::string> differences;
  std::map<std::string, int> not_applied;
};

Replay replay(const std::string& salt) {
  const auto folder = project_root() / "tests/node_modules/@unleash/client-specification/specifications";
  Replay replay;
  for (const Json& file : Json::parse(read_file(folder / "index.json"))) {
    const Json specification = Json::parse(read_file(folder / file.get<std::string>()));
    replay.not_applied["variants"] +=
        static_cast<int>(specification.value("variantTests", Json::array()).size());
    for (const Json& test : specification.value("tests", Json::array())) {
      try {
        if (verdict(specification["state"], test, salt) == test["expectedResult"].get<bool>()) {
          ++replay.agreed_count;
        } else {
          replay.differences.push_back(specification["name"].get<std::string>() + ": " +
                                       test["description"].get<std::string>());
        }
      } catch (const DoesNotApply& reason) {
        ++replay.not_applied[reason.why];
      }
    }
  }
  return replay;
}

TEST(unleash, every_published_case_that_applies_gets_the_same_verdict) {
  const Replay told = replay("");
  for (const std::string& difference : told.differences) ADD_FAILURE() << difference;
  int not_applied_count = 0;
  for (const auto& [why, count] : told.not_applied) {
    std::cout << "does not apply: " << count << " (" << why << ")\n";
    not_applied_count += count;
  }
  std::cout << "replayed: " << told.agreed_count << "\n";
  EXPECT_EQ(told.agreed_count, 68);
  EXPECT_EQ(not_applied_count, 211);
}

// The twin: with another salt the same users get other places, and published verdicts differ.
TEST(unleash, another_salt_is_noticed) { EXPECT_GE(replay("x").differences.size(), 1U); }

}  // namespace
}  // namespace jobwatchdog::test
