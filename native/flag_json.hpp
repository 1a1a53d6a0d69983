/// A flag's answer as OpenFeature shapes it, for the command line and for OFREP.
#pragma once

#include <nlohmann/json.hpp>

#include "native/flags.hpp"

namespace jobwatchdog {

[[nodiscard]] inline nlohmann::ordered_json flag_value_json(const FlagValue& value) {
  return value.type == FlagType::boolean ? nlohmann::ordered_json(value.is_on())
                                         : nlohmann::ordered_json(value.number);
}

/// {key, value, reason, variant?, errorCode?, errorMessage?}
[[nodiscard]] inline nlohmann::ordered_json flag_json(const KnownFlag& flag, const FlagAnswer& answer) {
  const FlagEvaluation& evaluation = answer.evaluation;
  nlohmann::ordered_json json{{"key", flag.name},
                              {"value", flag_value_json(evaluation.value)},
                              {"reason", flag_reason_name(evaluation.reason)}};
  if (!evaluation.variant.empty()) json["variant"] = evaluation.variant;
  if (evaluation.error_code != FlagErrorCode::none) {
    json["errorCode"] = flag_error_code_name(evaluation.error_code);
    json["errorMessage"] = evaluation.error_message;
  }
  return json;
}

}  // namespace jobwatchdog
