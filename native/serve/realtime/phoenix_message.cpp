// Reading and writing Phoenix messages.
#include "native/serve/realtime/phoenix_message.hpp"

#include "native/json_text.hpp"
#include "native/strict_json.hpp"

namespace jobwatchdog {
namespace {

bool is_ref(const nlohmann::json& ref) { return ref.is_null() || ref.is_string(); }

nlohmann::json member(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nlohmann::json() : *found;
}

std::optional<PhoenixMessage> checked(nlohmann::json join_ref, nlohmann::json ref,
                                      const nlohmann::json& topic, const nlohmann::json& event,
                                      nlohmann::json payload) {
  if (!is_ref(join_ref) || !is_ref(ref) || !topic.is_string() || !event.is_string() || !payload.is_object())
    return std::nullopt;
  return PhoenixMessage{std::move(join_ref), std::move(ref), topic.get<std::string>(),
                        event.get<std::string>(), std::move(payload)};
}

}  // namespace

std::optional<PhoenixVersion> phoenix_version(const std::string& vsn) {
  if (vsn.empty() || vsn == "1.0.0") return PhoenixVersion::v1;
  if (vsn == "2.0.0") return PhoenixVersion::v2;
  return std::nullopt;
}

std::optional<PhoenixMessage> parse_phoenix(const std::string& text, PhoenixVersion version) {
  const std::optional<nlohmann::json> parsed = parse_strictly(text);
  if (!parsed) return std::nullopt;
  const nlohmann::json& json = *parsed;
  if (version == PhoenixVersion::v2) {
    if (!json.is_array() || json.size() != 5) return std::nullopt;
    return checked(json[0], json[1], json[2], json[3], json[4]);
  }
  if (!json.is_object()) return std::nullopt;
  return checked(member(json, "join_ref"), member(json, "ref"), member(json, "topic"), member(json, "event"),
                 member(json, "payload"));
}

std::string phoenix_text(const PhoenixMessage& message, const std::string& payload, PhoenixVersion version) {
  const std::string join_ref = json_line(message.join_ref);
  const std::string ref = json_line(message.ref);
  const std::string topic = json_line(message.topic);
  const std::string event = json_line(message.event);
  if (version == PhoenixVersion::v2)
    return "[" + join_ref + "," + ref + "," + topic + "," + event + "," + payload + "]";
  return R"({"join_ref":)" + join_ref + R"(,"ref":)" + ref + R"(,"topic":)" + topic + R"(,"event":)" + event +
         R"(,"payload":)" + payload + "}";
}

std::string phoenix_reply(const PhoenixMessage& to, const std::string& status, const nlohmann::json& response,
                          PhoenixVersion version) {
  return phoenix_text({to.join_ref, to.ref, to.topic, "phx_reply", {}},
                      json_line({{"status", status}, {"response", response}}), version);
}

}  // namespace jobwatchdog
