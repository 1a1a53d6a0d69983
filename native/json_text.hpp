/// JSON as text, whatever bytes the database gave: dump() alone throws on text that is not UTF-8.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace jobwatchdog {

/// One line for programs and columns.
inline std::string json_line(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// A whole document for stdout, indented, with its line break.
inline std::string json_document(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// A stranger's words as JSON, whatever they are; null when there are none.
inline nlohmann::json words_json(const std::string& words) {
  if (words.empty()) return nullptr;
  nlohmann::json json = nlohmann::json::parse(words, nullptr, false);
  return json.is_discarded() ? nlohmann::json(words) : json;
}

}  // namespace jobwatchdog
