// The exports of the module for flags: what a definition says for whom, decided by core. A module of its own,
// for most pages are told values by their server and never load it. Its types are in jobwatchdog_flags.d.mts.
#include <emscripten/bind.h>

#include <string>

#include "core/flag_evaluation.hpp"

namespace jobwatchdog {
namespace {

namespace em = emscripten;

struct FlagResolution {
  std::string value;
  std::string variant;
  std::string reason;
  std::string error_code;
  std::string error_message;
};

FlagResolution resolution_of(const FlagEvaluation& flag) {
  return {flag_value_text(flag.value), flag.variant, std::string{flag_reason_name(flag.reason)},
          std::string{flag_error_code_name(flag.error_code)}, flag.error_message};
}

FlagResolution evaluate_flag_for(const std::string& name, const std::string& definition,
                                 const FlagContext& context) {
  return resolution_of(evaluate_flag_text(name, definition, context));
}

std::string known_flag_names() {
  std::string names;
  for (const KnownFlag& flag : known_flags()) names += std::string{flag.name} + "\n";
  return names;
}

}  // namespace

EMSCRIPTEN_BINDINGS(jobwatchdog_flags) {
  em::value_object<FlagContext>("FlagContext")
      .field("user", &FlagContext::user)
      .field("tool", &FlagContext::tool)
      .field("session", &FlagContext::session);
  em::value_object<FlagResolution>("FlagResolution")
      .field("value", &FlagResolution::value)
      .field("variant", &FlagResolution::variant)
      .field("reason", &FlagResolution::reason)
      .field("errorCode", &FlagResolution::error_code)
      .field("errorMessage", &FlagResolution::error_message);
  em::function("evaluateFlag", &evaluate_flag_for);
  em::function("flagNames", &known_flag_names);
}

}  // namespace jobwatchdog
