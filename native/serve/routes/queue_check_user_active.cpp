// runninghub-queue-manager/check-user-active {userId}: has this user a job at work. Only the user and the
// service are told; whoever bears a publishable key alone hears that nothing is known, and a start decides.
#include "native/serve/json_reply.hpp"
#include "native/serve/request_body.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply queue_check_user_active(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const std::string asked_for = reader.uuid_or_none("userId");
  if (reader.problem()) return error_reply(400, *reader.problem());
  const Caller& caller = request.caller;
  if (caller.kind == Caller::Kind::anon)
    return json_reply(200, {{"hasActiveJob", false}, {"activeTool", nullptr}, {"reason", "not_signed_in"}});
  if (caller.is_user() && !asked_for.empty() && asked_for != caller.user_id)
    return error_reply(403, "Only your own jobs can be asked about");
  const std::string user_id = caller.is_user() ? caller.user_id : asked_for;
  if (user_id.empty()) return error_reply(400, "userId is required");
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT known.table_name, active.job_id, job.status FROM watchdog.active_jobs AS active "
      "JOIN watchdog.tools AS known ON known.tool = active.tool "
      "JOIN public.ai_jobs AS job ON job.tool = active.tool AND job.id = active.job_id WHERE active.user_id = $1",
      {user_id}, {.read_only = true});
  if (!rows.ok()) return database_reply("looking for an active job", rows.error());
  if (rows.value().size() == 0) return json_reply(200, {{"hasActiveJob", false}, {"activeTool", nullptr}});
  return json_reply(200, {{"hasActiveJob", true},
                          {"activeTool", rows.value().text(0, "table_name")},
                          {"activeJobId", rows.value().text(0, "job_id")},
                          {"activeStatus", rows.value().text(0, "status")}});
}

}  // namespace jobwatchdog::routes
