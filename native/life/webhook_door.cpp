// The door for the provider's webhooks.
#include "native/life/webhook_door.hpp"

#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/provider/runninghub_reply.hpp"

namespace jobwatchdog {
namespace {

constexpr std::string_view prefix = "/functions/v1/";

HttpReply json_reply(int status, const nlohmann::ordered_json& body) {
  return {.status = status,
          .headers = {{"content-type", "application/json"},
                      {"referrer-policy", "no-referrer"},
                      {"cache-control", "no-store"}},
          .body = json_line(body)};
}

/// Text that PostgreSQL takes: valid UTF-8 without NUL.
std::string storable(const std::string& body) {
  std::string text = nlohmann::json::parse(json_line(body), nullptr, false).get<std::string>();
  std::erase(text, '\0');
  return text;
}

}  // namespace

std::optional<HttpReply> WebhookDoor::answer(const HttpRequest& request) const {
  if (!request.path.starts_with(prefix)) return std::nullopt;
  const std::string rest = request.path.substr(prefix.size());
  const auto slash = rest.find('/');
  if (!names_.contains(rest.substr(0, slash))) return std::nullopt;
  if (request.method != "POST") return json_reply(405, {{"error", "a webhook is a POST"}});
  const Text token = slash == std::string::npos ? Text{} : Text{rest.substr(slash + 1)};

  const WebhookEvent event = parse_webhook(request.body);
  if (!event.is_task_end && !event.task_id.empty())
    return json_reply(200, {{"success", true}, {"message", "Event ignored"}});
  const DatabaseResult<Rows> rows = connections_->query(
      "SELECT outcome, is_repeated FROM watchdog.receive_webhook($1, $2, $3, $4)",
      {token, event.task_id.empty() ? Text{} : Text{event.task_id}, storable(request.body), request.peer},
      {});
  if (!rows.ok()) {
    log(LogLevel::error, "a webhook could not be stored: " + error_text(rows.error()));
    HttpReply reply = json_reply(503, {{"error", "try again later"}});
    reply.headers["retry-after"] = "5";
    return reply;
  }
  const std::string outcome = rows.value().text(0, "outcome");
  log(LogLevel::debug, "webhook: " + outcome, {{"task_id", event.task_id}});
  if (event.task_id.empty()) return json_reply(400, {{"error", "taskId is required"}});
  if (outcome == "unknown") return json_reply(200, {{"success", true}, {"message", "Job not found"}});
  return json_reply(200, {{"success", true}});
}

}  // namespace jobwatchdog
