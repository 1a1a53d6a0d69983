// The door for the provider's webhooks, /functions/v1/NAME[/TOKEN]: stored first, answered at once, believed
// never. Source: protocols.md 1.5 and 2.5, invariants.md S2.
#include "native/log.hpp"
#include "native/provider/runninghub_reply.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

/// Whether a tool's webhooks go to this name.
constexpr const char* known_sql = "SELECT FROM watchdog.tools WHERE webhook_path = $1 LIMIT 1";
constexpr const char* receive_sql =
    "SELECT received.outcome FROM (SELECT FROM watchdog.tools WHERE webhook_path = $1 LIMIT 1) AS known "
    "CROSS JOIN LATERAL watchdog.receive_webhook($2, $3, $4, $5) AS received";

}  // namespace

HttpReply webhook(const Services& services, const Request& request) {
  const std::string& name = request.wildcards.front();
  const Text token = request.wildcards.size() > 1 ? Text{request.wildcards[1]} : Text{};
  const WebhookEvent event = parse_webhook(request.http.body);
  const Text task_id = event.task_id.empty() ? Text{} : Text{event.task_id};
  const bool tells_an_end = event.is_task_end || !task_id;
  const DatabaseResult<Rows> rows =
      tells_an_end ? services.connections->query(receive_sql,
                                                 {name, token, task_id, event.words, request.http.peer}, {})
                   : services.connections->query(known_sql, {name}, {.read_only = true});
  if (!rows.ok()) return database_reply("storing a webhook", rows.error());
  if (rows.value().size() == 0) return error_reply(404, "There is no such function");
  if (!tells_an_end) return json_reply(200, {{"success", true}, {"message", "Event ignored"}});
  const std::string outcome = rows.value().text(0, "outcome");
  log(LogLevel::debug, "webhook: " + outcome, {{"task_id", event.task_id}, {"request_id", request.id}});
  if (!task_id) return error_reply(400, "taskId is required");
  if (outcome == "unknown") return json_reply(200, {{"success", true}, {"message", "Job not found"}});
  return json_reply(200, {{"success", true}});
}

}  // namespace jobwatchdog::routes
