/// Messages of Supabase Realtime, which are those of Phoenix channels, in both of its spellings. Source:
/// protocols.md 4.1.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace jobwatchdog {

/// 1.0.0 writes an object, 2.0.0 a list [join_ref, ref, topic, event, payload].
enum class PhoenixVersion : std::uint8_t { v1, v2 };

struct PhoenixMessage {
  nlohmann::json join_ref;  ///< A text, or null.
  nlohmann::json ref;       ///< A text, or null.
  std::string topic;
  std::string event;
  nlohmann::json payload;
};

/// "1.0.0" or "" is v1, "2.0.0" is v2; nothing for any other.
[[nodiscard]] std::optional<PhoenixVersion> phoenix_version(const std::string& vsn);

/// Nothing for a text that is no message.
[[nodiscard]] std::optional<PhoenixMessage> parse_phoenix(const std::string& text, PhoenixVersion version);

/// A message whose payload is JSON text already: one record goes to many.
[[nodiscard]] std::string phoenix_text(const PhoenixMessage& message, const std::string& payload,
                                       PhoenixVersion version);

/// phx_reply to a message, with {"status": status, "response": response}.
[[nodiscard]] std::string phoenix_reply(const PhoenixMessage& to, const std::string& status,
                                        const nlohmann::json& response, PhoenixVersion version);

}  // namespace jobwatchdog
