// Parsing that stops at the first doubt.
#include "native/strict_json.hpp"

#include <set>
#include <vector>

namespace jobwatchdog {
namespace {

using Json = nlohmann::json;

constexpr int depth_max = 32;

}  // namespace

std::optional<Json> parse_strictly(const std::string& text) {
  if (text.find('\0') != std::string::npos) return std::nullopt;  // The parser takes it for the end.
  std::vector<std::set<std::string>> names;
  bool is_strict = true;
  const auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > depth_max) is_strict = false;
    if (!is_strict) return false;
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event == Json::parse_event_t::key && !names.back().insert(parsed.get<std::string>()).second)
      is_strict = false;
    return is_strict;
  };
  Json json = Json::parse(text, look, false);
  if (!is_strict || json.is_discarded()) return std::nullopt;
  return json;
}

}  // namespace jobwatchdog
