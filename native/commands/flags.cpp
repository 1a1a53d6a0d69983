// `jobwatchdog flags list | get`: what flags are, for whom and why.
#include "native/flags.hpp"

#include <iostream>

#include "native/commands.hpp"
#include "native/flag_json.hpp"
#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/terminal_table.hpp"

namespace jobwatchdog {
namespace {

using Json = nlohmann::ordered_json;

/// The flags, and whether the database could be asked.
struct OpenedFlags {
  Flags flags;
  std::optional<Failure> failure;  ///< Why the database could not be asked.
};

/// A database that is away is no reason to say nothing: what the environment and the file set is known.
Outcome<OpenedFlags> open_flags(const GlobalOptions& global) {
  const Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return configuration.error();
  Outcome<Connection> connection = open_connection(global, configuration.value());
  if (connection.ok()) {
    Outcome<Flags> flags = Flags::open(connection.value(), configuration.value());
    if (flags.ok()) return OpenedFlags{std::move(flags.value()), std::nullopt};
    connection = flags.error();
  }
  OpenedFlags opened{Flags::of(configuration.value().flags), connection.error()};
  opened.flags.miss_table(connection.error().problems.front().what);
  return opened;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string fate_words(const FlagRuleFate& fate) {
  const std::string field{flag_field_name(fate.field)};
  const std::string place = fate.bucket == 0 ? "" : " (place " + std::to_string(fate.bucket) + " of 100)";
  switch (fate.kind) {
    case FlagRuleFate::Kind::matches: return "matches" + place;
    case FlagRuleFate::Kind::condition_fails: return "its condition on the " + field + " does not hold";
    case FlagRuleFate::Kind::field_is_missing: return "does not count, for no " + field + " is given";
    case FlagRuleFate::Kind::outside_of_share: break;
  }
  return "outside of its share" + place;
}

/// Each rule as text and what became of it, up to the one that decides.
std::vector<std::pair<std::string, std::string>> rules_told(const KnownFlag& flag, const FlagAnswer& answer,
                                                            const FlagContext& context) {
  std::vector<std::pair<std::string, std::string>> told;
  if (answer.set_by == nullptr || answer.set_by->problem) return told;
  const FlagDefinition& definition = answer.set_by->definition;
  bool is_decided = definition.is_disabled;
  for (const FlagRule& rule : definition.rules) {
    const FlagRuleFate fate = fate_of_rule(flag, rule, context);
    const char* unreached = definition.is_disabled ? "switched off" : "not reached";
    told.emplace_back(flag_definition_text({false, {rule}}), is_decided ? unreached : fate_words(fate));
    is_decided = is_decided || fate.kind == FlagRuleFate::Kind::matches;
  }
  return told;
}

/// As OpenFeature shapes it; what is ours is in flagMetadata.
Json answer_json(const KnownFlag& flag, const FlagAnswer& answer) {
  Json json = flag_json(flag, answer);
  json["flagMetadata"] = {{"source", flag_source_name(answer.source)},
                          {"place", answer.set_by == nullptr ? Json() : Json(answer.set_by->place)},
                          {"definition", answer.set_by == nullptr ? Json() : Json(answer.set_by->text)},
                          {"default", flag_value_json({flag.type, flag.code_default})},
                          {"unit", flag.unit},
                          {"meaning", flag.meaning}};
  return json;
}

/// The exit code of an answer that is an error; the error is told on stderr.
ExitCode tell_error(const KnownFlag& flag, const FlagAnswer& answer, const std::optional<Failure>& failure) {
  if (answer.evaluation.reason != FlagReason::error) return ExitCode::done;
  if (answer.set_by != nullptr) return report({ExitCode::configuration, {problem_of(*answer.set_by)}});
  if (failure) return failure->code;
  log(LogLevel::warning,
      std::string{flag.name} + " is at its code default: " + answer.evaluation.error_message);
  return ExitCode::done;
}

void print_explanation(const KnownFlag& flag, const Flags& flags, const FlagContext& context) {
  const FlagAnswer answer = flags.ask(flag, context);
  const FlagEvaluation& evaluation = answer.evaluation;
  const std::string place = answer.set_by == nullptr ? "" : " (" + answer.set_by->place + ")";
  std::vector<std::vector<std::string>> rows{
      {"asked for", "user " + or_dash(context.user) + ", tool " + or_dash(context.tool) + ", session " +
                        or_dash(context.session)},
      {"value", flag_value_text(evaluation.value) + (flag.unit.empty() ? "" : " " + std::string{flag.unit})},
      {"reason", std::string{flag_reason_name(evaluation.reason)}},
      {"source", flag_source_name(answer.source) + place}};
  if (evaluation.error_code != FlagErrorCode::none)
    rows.push_back({"error", std::string{flag_error_code_name(evaluation.error_code)} + ": " +
                                 evaluation.error_message});
  for (const auto& [rule, fate] : rules_told(flag, answer, context))
    rows.push_back({"rule", rule + " -> " + fate});
  const std::vector<const SetFlag*> settings = flags.settings_of(flag);
  for (std::size_t i = 1; i < settings.size(); ++i)
    rows.push_back({"not asked", flag_source_name(settings[i]->source) + " (" + settings[i]->place +
                                     "): " + settings[i]->text});
  rows.push_back({"code default", flag_value_text({flag.type, flag.code_default})});
  rows.push_back({"meaning", std::string{flag.meaning}});
  std::cout << flag.name << "\n" << terminal_table({"fact", "what"}, rows);
}

Json explanation_json(const KnownFlag& flag, const Flags& flags, const FlagContext& context) {
  const FlagAnswer answer = flags.ask(flag, context);
  Json json = answer_json(flag, answer);
  json["context"] = {{"user", context.user}, {"tool", context.tool}, {"session", context.session}};
  json["rules"] = Json::array();
  for (const auto& [rule, fate] : rules_told(flag, answer, context))
    json["rules"].push_back({{"rule", rule}, {"fate", fate}});
  json["settings"] = Json::array();
  for (const SetFlag* set : flags.settings_of(flag))
    json["settings"].push_back(
        {{"source", flag_source_name(set->source)}, {"place", set->place}, {"definition", set->text}});
  return json;
}

}  // namespace

ExitCode run_flags_list(const GlobalOptions& global, const FlagContext& context) {
  const Outcome<OpenedFlags> opened = open_flags(global);
  if (!opened.ok()) return report(opened.error());
  const std::optional<Failure>& failure = opened.value().failure;
  ExitCode code = failure ? report(*failure) : ExitCode::done;
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const KnownFlag& flag : known_flags()) {
    const FlagAnswer answer = opened.value().flags.ask(flag, context);
    list.push_back(answer_json(flag, answer));
    rows.push_back({std::string{flag.name}, flag_value_text(answer.evaluation.value),
                    flag_source_name(answer.source), std::string{flag_reason_name(answer.evaluation.reason)},
                    answer.set_by == nullptr ? "not set" : answer.set_by->text});
    const ExitCode told = tell_error(flag, answer, failure);
    if (code == ExitCode::done) code = told;
  }
  if (global.json) {
    std::cout << json_document({{"flags", list}});
  } else {
    std::cout << terminal_table({"flag", "value", "source", "reason", "definition"}, rows);
  }
  return code;
}

ExitCode run_flags_get(const GlobalOptions& global, const FlagsGetCommand& command) {
  const KnownFlag* flag = find_flag(command.name);
  if (flag == nullptr) return report(unknown_flag(command.name));
  const Outcome<OpenedFlags> opened = open_flags(global);
  if (!opened.ok()) return report(opened.error());
  const KnownFlag& known = *flag;
  const Flags& flags = opened.value().flags;
  const FlagAnswer answer = flags.ask(known, command.context);
  if (global.json) {
    std::cout << json_document(command.explain ? explanation_json(known, flags, command.context)
                                               : answer_json(known, answer));
  } else if (command.explain) {
    print_explanation(known, flags, command.context);
  } else {
    std::cout << flag_value_text(answer.evaluation.value) << "\n";
  }
  const bool needs_database = answer.evaluation.reason == FlagReason::error && answer.set_by == nullptr;
  if (needs_database && opened.value().failure) return report(*opened.value().failure);
  return tell_error(known, answer, std::nullopt);
}

}  // namespace jobwatchdog
