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
  if (job.value().has_ended()) return resolved(job.value());
  return after_ring(services, request.caller, job.value(), resolved);
}

}  // namespace jobwatchdog::routes
