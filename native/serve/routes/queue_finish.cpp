// runninghub-queue-manager/finish {table, jobId, status, ...}: somebody says that a job is over. A user may
// cancel, and give up a job that never started; whatever else a page says is a request to look again. Only
// the service's word ends a job.
#include "native/serve/job_view.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/ring.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

struct Wish {
  JobName job;
  std::string status;
  std::string output_url;
  std::string error_message;
};

HttpReply skipped(const std::string& reason) {
  return json_reply(200, {{"success", true}, {"skipped", true}, {"reason", reason}});
}

HttpReply done(std::int64_t refunded_amount) {
  return json_reply(200, {{"success", true}, {"refundedAmount", refunded_amount}});
}

HttpReply cancel(const Services& services, const Request& request, const Wish& wish) {
  const DatabaseResult<Rows> rows = services.connections->query_once(
      "SELECT success, refunded_amount FROM watchdog.cancel_job($1, $2, $3)",
      {wish.job.table, wish.job.job_id, request.caller.is_service() ? "true" : "false"},
      {.caller = &request.session});
  if (!rows.ok()) return database_reply("cancelling a job", rows.error());
  services.wake();
  return rows.value().boolean(0, "success") ? done(rows.value().integer(0, "refunded_amount"))
                                            : skipped("already_terminal");
}

/// The service's word. A completed job needs its result, and only one that runs can have one.
HttpReply settle(const Services& services, const Wish& wish) {
  if (wish.status == "completed" && wish.output_url.empty()) return error_reply(400, "outputUrl is required");
  nlohmann::json set{{"status", wish.status}};
  if (wish.status == "completed") set["output_url"] = wish.output_url;
  if (wish.status == "failed")
    set["error_message"] = wish.error_message.empty() ? "Reported as failed" : wish.error_message;
  const DatabaseResult<Rows> rows = services.connections->query_once(
      "SELECT refunded_amount FROM watchdog.settle_jobs($1, ARRAY[$2::uuid], $3)",
      {wish.job.table, wish.job.job_id, set.dump()}, {});
  if (!rows.ok()) return database_reply("finishing a job", rows.error());
  services.wake();
  return rows.value().size() == 0 ? skipped("not_running") : done(rows.value().integer(0, "refunded_amount"));
}

/// Fails a job that never started, as mark_pending_job_as_failed does.
HttpReply give_up(const Services& services, const Request& request, const Wish& wish) {
  const DatabaseResult<Rows> rows = services.connections->query_once(
      "SELECT public.mark_pending_job_as_failed($1, $2, $3) AS has_changed",
      {wish.job.table, wish.job.job_id, wish.error_message.empty() ? Text{} : Text{wish.error_message}},
      {.caller = &request.session});
  if (!rows.ok()) return database_reply("giving up a job", rows.error());
  return rows.value().boolean(0, "has_changed") ? done(0) : skipped("still_processing");
}

}  // namespace

HttpReply queue_finish(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const std::string missing = "table and jobId are required";
  Wish wish{{reader.text_or_none("table"), reader.uuid_or_none("jobId")},
            reader.text("status"),
            reader.text_or_none("outputUrl", 2'000),
            reader.text_or_none("errorMessage", 1'000)};
  if (wish.job.table.empty() || wish.job.job_id.empty()) return error_reply(400, missing);
  if (reader.problem()) return error_reply(400, *reader.problem());
  if (wish.status != "completed" && wish.status != "failed" && wish.status != "cancelled")
    return error_reply(400, "status must be completed, failed or cancelled");
  // A publishable key proves nothing, so it learns nothing either.
  if (request.caller.kind == Caller::Kind::anon) return skipped("not_signed_in");
  const Result<JobView, HttpReply> job = job_of_request(services, request);
  if (!job.ok()) return job.error();
  if (job.value().has_ended()) return skipped("already_terminal");
  if (wish.status == "cancelled") return cancel(services, request, wish);
  if (request.caller.is_service()) return settle(services, wish);
  if (wish.status == "failed" && job.value().status == "pending") return give_up(services, request, wish);
  ring(services, {job.value()});
  return skipped("still_processing");
}

}  // namespace jobwatchdog::routes
