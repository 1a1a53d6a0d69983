// Looking at jobs for a caller.
#include "native/serve/job_view.hpp"

#include "native/json_text.hpp"
#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

constexpr const char* look_sql =
    "SELECT looked.* FROM watchdog.look_at_jobs("
    "ARRAY(SELECT item ->> 'table' FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS a (item, place) ORDER BY place), "
    "ARRAY(SELECT (item ->> 'job_id')::uuid FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS a (item, place) "
    "ORDER BY place), $2) AS looked";

JobView view_of(const Rows& rows, std::size_t row) {
  return {.tool = rows.text(row, "tool"),
          .table = rows.text(row, "table_name"),
          .job_id = rows.text(row, "job_id"),
          .user_id = rows.text(row, "user_id"),
          .status = rows.text(row, "status"),
          .task_id = rows.at(row, "task_id"),
          .account = rows.text(row, "account"),
          .output_url = rows.at(row, "output_url"),
          .error_message = rows.at(row, "error_message"),
          .last_verdict = rows.at(row, "last_verdict"),
          .check_count = rows.integer(row, "check_count"),
          .position = rows.integer(row, "position"),
          .total_queued = rows.integer(row, "total_queued"),
          .free_slots = rows.integer(row, "free_slots"),
          .server_now = rows.text(row, "server_now"),
          .deadline_at = rows.at(row, "deadline_at")};
}

}  // namespace

DatabaseResult<JobLook> look_at_jobs(const Services& services, const Caller& caller,
                                     const std::vector<JobName>& names) {
  nlohmann::json asked = nlohmann::json::array();
  for (const JobName& name : names) asked.push_back({{"table", name.table}, {"job_id", name.job_id}});
  const Text user = caller.is_service() ? Text{} : Text{caller.user_id};
  const DatabaseResult<Rows> rows =
      services.connections->query(look_sql, {json_line(asked), user}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  JobLook look;
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    if (!rows.value().at(i, "tool")) look.unknown_table = rows.value().text(i, "asked_table");
    const bool is_there = rows.value().at(i, "job_id").has_value();
    look.jobs.push_back(is_there ? std::optional{view_of(rows.value(), i)} : std::nullopt);
  }
  return look;
}

Result<JobView, HttpReply> look_at_job(const Services& services, const Caller& caller, const JobName& name) {
  const DatabaseResult<JobLook> look = look_at_jobs(services, caller, {name});
  if (!look.ok()) return database_reply("looking at a job", look.error());
  if (!look.value().unknown_table.empty()) return error_reply(400, "table is not one of a tool's");
  if (!look.value().jobs.front()) return error_reply(404, "Job not found");
  return *look.value().jobs.front();
}

JobName read_job_name(BodyReader& reader) { return {reader.text("table"), reader.uuid("jobId")}; }

Result<JobView, HttpReply> job_of_request(const Services& services, const Request& request) {
  BodyReader reader{request.body};
  const JobName name = read_job_name(reader);
  if (reader.problem()) return error_reply(400, *reader.problem());
  return look_at_job(services, request.caller, name);
}

}  // namespace jobwatchdog
