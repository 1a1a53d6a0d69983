// cleanup-stuck-exams: cron's call to send exams that hang back to pending.
#include <nlohmann/json.hpp>

#include "native/serve/json_reply.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {

HttpReply cleanup_stuck_exams(const Services& services, const Request& request) {
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT cleaned_count, to_json(exam_ids) AS exam_ids, "
      "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS now "
      "FROM public.cleanup_stuck_analyzing_exams()",
      {}, {.statement_timeout = reading_timeout, .caller = &request.session});
  if (!rows.ok()) return database_reply("cleaning up exams", rows.error());
  return json_reply(200,
                    {{"success", true},
                     {"cleaned_count", rows.value().integer(0, "cleaned_count")},
                     {"exam_ids", nlohmann::json::parse(rows.value().text(0, "exam_ids"), nullptr, false)},
                     {"timestamp", rows.value().text(0, "now")}});
}

}  // namespace jobwatchdog::routes
