// admin-cancel-job {table, jobId, reason?}: an administrator ends a job, and its credits go back.
#include "native/serve/job_view.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply admin_cancel_job(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const JobName job = read_job_name(reader);
  const std::string reason = reader.text_or_none("reason", 1'000);
  if (reader.problem()) return error_reply(400, *reader.problem());
  const DatabaseResult<Rows> rows = services.connections->query_once(
      "SELECT success, refunded_amount, error_message FROM watchdog.cancel_job($1, $2, true, $3)",
      {job.table, job.job_id, reason.empty() ? Text{} : Text{reason}}, {.caller = &request.session});
  if (!rows.ok()) return database_reply("cancelling a job", rows.error());
  const std::string why_not = rows.value().text(0, "error_message");
  if (rows.value().boolean(0, "success")) {
    services.wake();
    return json_reply(200, {{"success", true},
                            {"refundedAmount", rows.value().integer(0, "refunded_amount")},
                            {"status", "cancelled"}});
  }
  const int status = why_not == "Job not found" ? 404 : 409;
  return json_reply(status, {{"success", false}, {"error", why_not}, {"refundedAmount", 0}});
}

}  // namespace jobwatchdog::routes
