// runninghub-<tool>/run {jobId}: the owner starts a job of that tool.
#include "native/serve/json_reply.hpp"
#include "native/serve/known_tool.hpp"
#include "native/serve/routes/routes.hpp"
#include "native/serve/start_job.hpp"

namespace jobwatchdog::routes {

HttpReply tool_run(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const std::string job_id = reader.uuid("jobId");
  if (reader.problem()) return error_reply(400, *reader.problem());
  const Result<KnownTool, HttpReply> tool = tool_of_function(services, request.wildcards.front());
  if (!tool.ok()) return tool.error();
  return start_job(services, request.caller, {tool.value().table_name, job_id});
}

}  // namespace jobwatchdog::routes
