// Evaluating a flag: rules from first to last, a stable hash for percentages.
#include "core/flag_evaluation.hpp"

#include <algorithm>

#include "core/murmur3.hpp"
#include "core/spelling.hpp"

namespace jobwatchdog {
namespace {

const std::string& field_of(const FlagContext& context, FlagField field) {
  if (field == FlagField::tool) return context.tool;
  return field == FlagField::user ? context.user : context.session;
}

/// What is not known is in no list; so it is "not in" every list.
bool holds(const FlagCondition& condition, const FlagContext& context) {
  const std::string& id = field_of(context, condition.field);
  const bool is_listed = std::find(condition.ids.begin(), condition.ids.end(), id) != condition.ids.end();
  return is_listed != condition.is_negated;
}

FlagReason reason_of(const FlagDefinition& definition, const FlagRule& rule) {
  if (rule.rollout) return FlagReason::split;
  if (!rule.conditions.empty()) return FlagReason::targeting_match;
  return definition.rules.size() == 1 ? FlagReason::fixed : FlagReason::by_default;
}

}  // namespace

FlagEvaluation default_evaluation(const KnownFlag& flag) {
  return {{flag.type, flag.code_default}, "", FlagReason::by_default, FlagErrorCode::none, ""};
}

FlagEvaluation failed_evaluation(const KnownFlag& flag, FlagErrorCode code, std::string message) {
  return {{flag.type, flag.code_default}, "", FlagReason::error, code, std::move(message)};
}

FlagEvaluation evaluate_flag(const KnownFlag& flag, const FlagDefinition& definition,
                             const FlagContext& context) {
  if (definition.is_disabled)
    return {{flag.type, flag.killed}, "", FlagReason::disabled, FlagErrorCode::none, ""};
  for (std::size_t i = 0; i < definition.rules.size(); ++i) {
    const FlagRule& rule = definition.rules[i];
    if (fate_of_rule(flag, rule, context).kind != FlagRuleFate::Kind::matches) continue;
    return {rule.value, definition.rules.size() == 1 ? "" : "rule " + std::to_string(i + 1),
            reason_of(definition, rule), FlagErrorCode::none, ""};
  }
  return default_evaluation(flag);
}

FlagEvaluation evaluate_flag_text(std::string_view name, std::string_view definition,
                                  const FlagContext& context) {
  const KnownFlag* flag = find_flag(name);
  if (flag == nullptr)
    return {{}, "", FlagReason::error, FlagErrorCode::flag_not_found, suggestion(name, flag_names())};
  const Result<FlagDefinition, FlagProblem> parsed = parse_flag_definition(definition, *flag);
  if (parsed.ok()) return evaluate_flag(*flag, parsed.value(), context);
  const Problem& problem = parsed.error().problem;
  return failed_evaluation(*flag, parsed.error().code, problem.where + ": " + problem.what);
}

FlagRuleFate fate_of_rule(const KnownFlag& flag, const FlagRule& rule, const FlagContext& context) {
  using Kind = FlagRuleFate::Kind;
  for (const FlagCondition& condition : rule.conditions) {
    if (!holds(condition, context)) return {Kind::condition_fails, condition.field, 0};
  }
  if (!rule.rollout) return {};
  const FlagField field = rule.rollout->field;
  const std::string& id = field_of(context, field);
  if (id.empty()) return {Kind::field_is_missing, field, 0};
  const int bucket = flag_bucket(rule.rollout->group.empty() ? flag.name : rule.rollout->group, id);
  return {bucket <= rule.rollout->percent ? Kind::matches : Kind::outside_of_share, field, bucket};
}

int flag_bucket(std::string_view group, std::string_view id) {
  return static_cast<int>(murmur3(std::string{group} + ":" + std::string{id}) % 100U) + 1;
}

std::string_view flag_reason_name(FlagReason reason) {
  switch (reason) {
    case FlagReason::fixed: return "STATIC";
    case FlagReason::by_default: return "DEFAULT";
    case FlagReason::targeting_match: return "TARGETING_MATCH";
    case FlagReason::split: return "SPLIT";
    case FlagReason::disabled: return "DISABLED";
    case FlagReason::error: break;
  }
  return "ERROR";
}

std::string_view flag_error_code_name(FlagErrorCode code) {
  switch (code) {
    case FlagErrorCode::none: return "";
    case FlagErrorCode::flag_not_found: return "FLAG_NOT_FOUND";
    case FlagErrorCode::parse_error: return "PARSE_ERROR";
    case FlagErrorCode::type_mismatch: return "TYPE_MISMATCH";
    case FlagErrorCode::general: break;
  }
  return "GENERAL";
}

}  // namespace jobwatchdog
