// The bell of a job, from a page's side.
#include "native/serve/ring.hpp"

#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

/// Who was asked about so lately need not be asked about again: the node asks by itself every 15 s.
constexpr const char* ring_rest = "10 seconds";
/// For how long a page waits for the provider's word before it hears what was known.
constexpr Duration patience = seconds(5);

}  // namespace

std::vector<std::string> ring(const Services& services, const std::vector<JobView>& jobs) {
  nlohmann::json asked = nlohmann::json::array();
  for (const JobView& job : jobs) {
    if (job.has_started()) asked.push_back({{"tool", job.tool}, {"job_id", job.job_id}});
  }
  std::vector<std::string> rung;
  if (asked.empty()) return rung;
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT job_id FROM watchdog.ring_for_jobs("
      "ARRAY(SELECT item ->> 'tool' FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS a (item, place) ORDER BY place), "
      "ARRAY(SELECT (item ->> 'job_id')::uuid FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS a (item, place) "
      "ORDER BY place), $2) AS job_id",
      {json_line(asked), ring_rest}, {});
  if (!rows.ok()) {
    log(LogLevel::warning, "ringing for jobs: " + error_text(rows.error()));
    return rung;
  }
  for (std::size_t i = 0; i < rows.value().size(); ++i) rung.push_back(rows.value().text(i, "job_id"));
  if (!rung.empty()) services.wake();
  return rung;
}

HttpReply after_ring(const Services& services, const Caller& caller, const JobView& seen,
                     std::function<HttpReply(const JobView& now)> answer) {
  // Taken first: the node may hear of the job before the ring is answered.
  const std::shared_ptr<Bell> bell = services.bells->bell_for(seen.job_id);
  if (ring(services, {seen}).empty()) return answer(seen);
  return HttpReply{
      .then =
          [&services, caller, seen, answer = std::move(answer)] {
            const DatabaseResult<JobLook> look = look_at_jobs(services, caller, {{seen.table, seen.job_id}});
            if (!look.ok()) return database_reply("looking at a job again", look.error());
            return answer(look.value().jobs.front().value_or(seen));
          },
      .waits_for = bell,
      .waits_at_most = patience};
}

}  // namespace jobwatchdog
