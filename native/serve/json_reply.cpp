// Replies in JSON.
#include "native/serve/json_reply.hpp"

#include "native/json_text.hpp"
#include "native/log.hpp"

namespace jobwatchdog {
namespace {

/// Nothing here is a page: nobody frames it, sniffs it, or keeps it.
HttpReply reply_of(int status, const std::string& type, std::string body) {
  return {.status = status,
          .headers = {{"content-type", type},
                      {"cache-control", "no-store"},
                      {"referrer-policy", "no-referrer"},
                      {"x-content-type-options", "nosniff"}},
          .body = std::move(body)};
}

}  // namespace

HttpReply json_reply(int status, const nlohmann::ordered_json& body) {
  return reply_of(status, "application/json", json_line(body));
}

HttpReply error_reply(int status, const std::string& words) { return json_reply(status, {{"error", words}}); }

HttpReply text_reply(int status, const std::string& words) {
  return reply_of(status, "text/plain; charset=utf-8", words + "\n");
}

HttpReply database_reply(const std::string& doing, const DatabaseError& error) {
  const bool is_away = error.kind != DatabaseError::Kind::refused;
  if (!is_away && error.sqlstate.starts_with("22")) return error_reply(400, error.message);
  if (!is_away && error.sqlstate == "42501") return error_reply(403, "This caller may not do that");
  log(LogLevel::error, doing + ": " + error_text(error));
  if (!is_away) return error_reply(500, "This could not be done; the server's log says why");
  HttpReply reply = error_reply(503, "The database does not answer at this moment; try again");
  reply.headers["retry-after"] = retry_after_s;
  return reply;
}

}  // namespace jobwatchdog
