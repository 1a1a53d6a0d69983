// runninghub-job-sync: what is true of a job, or of up to a hundred. A job that the provider was not asked
// about lately is asked about now, and a question about one job alone waits for the answer.
#include "native/jobs.hpp"
#include "native/serve/job_view.hpp"
#include "native/serve/json_reply.hpp"
#include "native/serve/ring.hpp"
#include "native/serve/routes/routes.hpp"

namespace jobwatchdog::routes {
namespace {

constexpr std::size_t jobs_max = 100;

using Json = nlohmann::ordered_json;

Json answer_of(const JobView& job, bool has_just_ended) {
  Json answer{{"synced", has_just_ended}, {"status", job.status}};
  if (job.status == "completed") answer["outputUrl"] = json_of(job.output_url);
  if (job.has_ended()) {
    if (job.status != "completed") answer["errorMessage"] = json_of(job.error_message);
    if (!has_just_ended) answer["reason"] = "already_terminal";
  } else {
    answer["reason"] = !job.task_id                    ? "no_task_id"
                       : job.last_verdict == "unknown" ? "api_error"
                                                       : "still_processing";
    if (job.position > 0) answer["position"] = job.position;
  }
  answer["serverNow"] = job.server_now;
  answer["deadlineAt"] = json_of(job.deadline_at);
  return answer;
}

HttpReply sync_one(const Services& services, const Request& request) {
  const Result<JobView, HttpReply> job = job_of_request(services, request);
  if (!job.ok()) return job.error();
  if (job.value().has_ended()) return json_reply(200, answer_of(job.value(), false));
  return after_ring(services, request.caller, job.value(),
                    [](const JobView& now) { return json_reply(200, answer_of(now, now.has_ended())); });
}

/// What a single question about it would have met, as one element of the batch's reply.
Json element_of(const JobName& name, const std::optional<JobView>& job) {
  Json element{{"table", name.table}, {"jobId", name.job_id}};
  if (job) {
    element.update(answer_of(*job, false));
  } else {
    element.update({{"synced", false}, {"httpStatus", 404}, {"error", "Job not found"}});
  }
  return element;
}

HttpReply sync_batch(const Services& services, const Request& request) {
  const nlohmann::json& jobs = request.body["jobs"];
  if (!jobs.is_array() || jobs.empty() || jobs.size() > jobs_max)
    return error_reply(400, "jobs must be a list of 1 to 100 {table, jobId}");
  std::vector<JobName> names;
  for (const nlohmann::json& item : jobs) {
    BodyReader reader{item, "jobs: "};
    names.push_back(read_job_name(reader));
    if (reader.problem()) return error_reply(400, *reader.problem());
  }
  const DatabaseResult<JobLook> look = look_at_jobs(services, request.caller, names);
  if (!look.ok()) return database_reply("looking at jobs", look.error());
  Json results = Json::array();
  std::vector<JobView> alive;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::optional<JobView>& job = look.value().jobs[i];
    if (job && !job->has_ended()) alive.push_back(*job);
    results.push_back(element_of(names[i], job));
  }
  ring(services, alive);
  return json_reply(200, {{"results", results}});
}

}  // namespace

HttpReply job_sync(const Services& services, const Request& request) {
  const bool is_batch = request.body.is_object() && request.body.contains("jobs");
  return is_batch ? sync_batch(services, request) : sync_one(services, request);
}

}  // namespace jobwatchdog::routes
