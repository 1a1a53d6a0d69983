// The bell of a job, from a page's side.
#include "native/serve/ring.hpp"

#include "native/json_text.hpp"
#include "native/log.hpp"
#include "native/serve/job_wait.hpp"
#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

/// Who was asked about so lately need not be asked about again: the node asks by itself every 15 s.
constexpr const char* ring_rest = "10 seconds";

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
  if (ring(services, {seen}).empty()) return answer(seen);
  const auto was_asked_about = [count = seen.check_count](const JobView& now) {
    return now.has_ended() || now.check_count != count;
  };
  return answer_when(services, caller, {seen.table, seen.job_id}, {was_asked_about, std::move(answer)});
}

}  // namespace jobwatchdog
