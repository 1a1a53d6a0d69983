// runninghub-<tool>/run {jobId}: the owner starts a job of that tool.
#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"
#include "native/serve/start_job.hpp"
#include "native/serve/tool_name.hpp"

namespace jobwatchdog::routes {

HttpReply tool_run(const Services& services, const Request& request) {
  const std::string tool = tool_of_function(request.wildcards.front());
  BodyReader reader{request.body};
  const std::string job_id = reader.uuid("jobId");
  if (reader.problem()) return error_reply(400, *reader.problem());
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT table_name FROM watchdog.tools WHERE tool = $1", {tool}, {.read_only = true});
  if (!rows.ok()) return database_reply("looking for a tool", rows.error());
  if (rows.value().size() == 0) return error_reply(404, "There is no such function");
  return start_job(services, request.caller, {rows.value().text(0, "table_name"), job_id});
}

}  // namespace jobwatchdog::routes
