// runninghub-queue-manager/reconcile {table, jobId}: ask the provider about this job, and say what came of
// it.
#include "native/serve/job_view.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/ring.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

HttpReply resolved(const JobView& job) {
  if (job.has_ended()) return json_reply(200, {{"resolved", true}, {"status", job.status}});
  const char* reason = !job.task_id                    ? "no_task_id"
                       : job.last_verdict == "unknown" ? "api_error"
                                                       : "still_running";
  nlohmann::ordered_json reply{{"resolved", false}, {"reason", reason}};
  if (job.last_verdict) reply["providerStatus"] = *job.last_verdict;
  return json_reply(200, reply);
}

}  // namespace

HttpReply queue_reconcile(const Services& services, const Request& request) {
  const Result<JobView, HttpReply> job = job_of_request(services, request);
  if (!job.ok()) return job.error();
  const JobView& seen = job.value();
  if (seen.has_ended()) return resolved(seen);
  return after_ring(services, seen, [&services, caller = request.caller, seen] {
    const DatabaseResult<JobLook> look = look_at_jobs(services, caller, {{seen.table, seen.job_id}});
    if (!look.ok()) return database_reply("looking at a job again", look.error());
    return resolved(look.value().jobs.front().value_or(seen));
  });
}

}  // namespace jobwatchdog::routes
