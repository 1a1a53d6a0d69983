// What the commands about single jobs share.
#include "native/jobs.hpp"

namespace jobwatchdog {

Outcome<FoundJob> find_job(Connection& connection, const std::string& id) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT job.tool, known.table_name, job.id FROM public.ai_jobs AS job JOIN watchdog.tools AS known USING (tool) "
      "WHERE job.id = $1::uuid ORDER BY job.tool",
      {id}, {.read_only = true});
  if (!rows.ok() && rows.error().sqlstate == "22P02")
    return Failure{ExitCode::usage, {{"ID", "\"" + id + "\" is not the id of a job", "give the whole uuid"}}};
  if (!rows.ok()) return failure_of("looking for job " + id, rows.error());
  if (rows.value().size() == 0)
    return Failure{
        ExitCode::failure,
        {{"ID", "there is no job " + id, "`jobwatchdog jobs list --status all` shows the latest"}}};
  if (rows.value().size() > 1)
    return Failure{
        ExitCode::failure,
        {{"ID", "two tools have a job " + id, "tell the owner of the schema: ids should be unique"}}};
  return FoundJob{rows.value().text(0, "tool"), rows.value().text(0, "table_name"),
                  rows.value().text(0, "id")};
}

std::string age_text(Duration age) {
  const std::int64_t total_s = age.ms / 1000;
  const auto two = [](std::int64_t big, const char* big_unit, std::int64_t small, const char* small_unit) {
    return std::to_string(big) + " " + big_unit +
           (small > 0 ? " " + std::to_string(small) + " " + small_unit : "");
  };
  if (total_s < 60) return std::to_string(total_s) + " s";
  if (total_s < 3'600) return two(total_s / 60, "min", total_s % 60, "s");
  if (total_s < 86'400) return two(total_s / 3'600, "h", total_s % 3'600 / 60, "min");
  return two(total_s / 86'400, "d", total_s % 86'400 / 3'600, "h");
}

}  // namespace jobwatchdog
