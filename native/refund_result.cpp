// What a user's refund function answered, read from JSON.
#include "native/refund_result.hpp"

#include <nlohmann/json.hpp>

namespace jobwatchdog {

std::optional<std::string> refund_refusal(const std::optional<std::string>& json) {
  if (!json) return "the refund function answered NULL";
  const auto answer = nlohmann::json::parse(*json, nullptr, false);
  if (answer.is_discarded()) return "the refund function's answer cannot be read: " + *json;
  if (answer.is_null() || (answer.is_boolean() && !answer.get<bool>()))
    return "the refund function answered " + *json;
  if (!answer.is_object() || !answer.contains("success")) return std::nullopt;
  if (answer["success"].is_boolean() && answer["success"].get<bool>()) return std::nullopt;
  const auto message = answer.find("error_message");
  if (message != answer.end() && message->is_string())
    return "the refund function refused: " + message->get<std::string>();
  return "the refund function refused: " + *json;
}

}  // namespace jobwatchdog
