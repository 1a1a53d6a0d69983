// runninghub-queue-manager/run-or-queue and /enqueue {table, jobId}: charge, then a slot or a place in the
// queue. A cost in the body is not believed: it stands on the job.
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"
#include "native/serve/start_job.hpp"

namespace jobwatchdog::routes {

HttpReply queue_start(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const JobName name = read_job_name(reader);
  if (reader.problem()) return error_reply(400, *reader.problem());
  return start_job(services, request.caller, name);
}

}  // namespace jobwatchdog::routes
