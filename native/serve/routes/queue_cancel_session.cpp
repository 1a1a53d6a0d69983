// runninghub-queue-manager/cancel-session {sessionId}, or {userId} for the service: the waiting jobs of a
// page that is gone are cancelled and refunded. What runs at the provider goes on: its result is paid for.
#include "native/serve/json_reply.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

constexpr const char* waiting_sql = R"sql(
SELECT known.table_name, job.id FROM public.ai_jobs AS job JOIN watchdog.tools AS known ON known.tool = job.tool
 WHERE job.status IN ('pending', 'queued') AND ($1::text IS NULL OR job.session_id = $1) AND ($2::uuid IS NULL OR job.user_id = $2)
   AND ($1::text IS NOT NULL OR $2::uuid IS NOT NULL) AND job.created_at > clock_timestamp() - interval '1 day'
 ORDER BY job.created_at, job.id LIMIT 100)sql";

Text text_or_null(const std::string& text) { return text.empty() ? Text{} : Text{text}; }

}  // namespace

HttpReply queue_cancel_session(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const std::string session_id = reader.text_or_none("sessionId");
  std::string user_id = reader.uuid_or_none("userId");
  if (reader.problem()) return error_reply(400, *reader.problem());
  if (session_id.empty() && user_id.empty()) return error_reply(400, "sessionId or userId is required");
  if (request.caller.is_user()) {
    if (!user_id.empty() && user_id != request.caller.user_id)
      return error_reply(403, "Only your own jobs can be cancelled");
    user_id = request.caller.user_id;
  }
  const DatabaseResult<Rows> waiting = services.connections->query(
      waiting_sql, {text_or_null(session_id), text_or_null(user_id)}, {.read_only = true});
  if (!waiting.ok()) return database_reply("looking for waiting jobs", waiting.error());
  nlohmann::ordered_json cancelled = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < waiting.value().size(); ++i) {
    const std::string table = waiting.value().text(i, "table_name");
    const std::string id = waiting.value().text(i, "id");
    const DatabaseResult<Rows> rows = services.connections->query_once(
        "SELECT success FROM watchdog.cancel_job($1, $2, false, 'the page was left')", {table, id},
        {.caller = &request.session});
    if (!rows.ok()) return database_reply("cancelling a job", rows.error());
    if (rows.value().boolean(0, "success")) cancelled.push_back({{"table", table}, {"id", id}});
  }
  return json_reply(200,
                    {{"success", true}, {"cancelledCount", cancelled.size()}, {"cancelledJobs", cancelled}});
}

}  // namespace jobwatchdog::routes
