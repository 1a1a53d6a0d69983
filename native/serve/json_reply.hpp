/// Replies of the HTTP face: JSON, and the errors that every route words alike.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "native/database.hpp"
#include "native/http/http_server.hpp"

namespace jobwatchdog {

/// For how long a client waits that finds the database away, or no room.
inline constexpr const char* retry_after_s = "5";

[[nodiscard]] HttpReply json_reply(int status, const nlohmann::ordered_json& body);
/// {"error": words}
[[nodiscard]] HttpReply error_reply(int status, const std::string& words);
[[nodiscard]] HttpReply text_reply(int status, const std::string& words);

/// What a request is told of a database error: 503 with Retry-After while the database is away or busy, 400
/// for a value that it refuses, 403 for a missing right, else 500 without words. The error itself goes to the
/// log.
[[nodiscard]] HttpReply database_reply(const std::string& doing, const DatabaseError& error);

}  // namespace jobwatchdog
