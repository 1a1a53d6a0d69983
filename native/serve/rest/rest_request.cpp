// Finding the table that a request of /rest/v1 is about: of our own words, or a tool's.
#include "native/serve/rest/rest_request.hpp"

#include "native/serve/rest/rest_reply.hpp"

namespace jobwatchdog {

Result<RestQuery, HttpReply> read_rest_query(const Services& services, const Request& request) {
  if (auto refusal = refuse_profile(request)) return *refusal;
  const std::string& name = request.wildcards.front();
  if (const RestTable* table = find_rest_table(name)) return parse_rest_query(*table, "", request.http.query);
  const DatabaseResult<Rows> tool = services.connections->query(
      "SELECT tool FROM watchdog.tools WHERE table_name = $1", {name}, {.read_only = true});
  if (!tool.ok()) return rest_database_error(request, tool.error());
  if (tool.value().size() == 0)
    return rest_error(404, "PGRST205", "Could not find the table 'public." + name + "' in the schema cache");
  return parse_rest_query(jobs_table(), tool.value().text(0, "tool"), request.http.query);
}

}  // namespace jobwatchdog
