// Starting a job over HTTP.
#include "native/serve/start_job.hpp"

#include "native/serve/job_wait.hpp"
#include "native/serve/json_reply.hpp"

namespace jobwatchdog {
namespace {

HttpReply refused(int status, const std::string& code, const std::string& why) {
  return json_reply(status, {{"success", false}, {"error", why}, {"code", code}});
}

nlohmann::ordered_json words_of(const JobView& job) {
  nlohmann::ordered_json words{{"success", true}, {"status", job.status}};
  if (job.task_id) {
    words.update({{"taskId", *job.task_id}, {"accountUsed", job.account}});
  } else if (!job.has_ended()) {
    // Position 0: it has a slot, and the provider has not answered yet.
    words.update({{"queued", true}, {"position", job.position}, {"totalQueued", job.total_queued}});
  }
  return words;
}

/// The job as it is now, in the words of a start.
HttpReply reply_about(const JobView& job, bool is_repeated) {
  if (job.has_ended() && job.status != "completed")
    return json_reply(400, {{"success", false},
                            {"error", job.error_message.value_or("The job is " + job.status)},
                            {"code", "JOB_ENDED"},
                            {"status", job.status},
                            {"refunded", true}});
  nlohmann::ordered_json words = words_of(job);
  if (is_repeated) words["duplicate"] = true;
  return json_reply(200, words);
}

/// A job that a node takes at once is waited for; one that has to wait hears its place.
HttpReply reply_to_start(const Services& services, const Caller& caller, const JobName& name) {
  const auto is_with_the_provider_or_waits = [](const JobView& now) {
    return now.task_id || now.has_ended() || (now.waits() && !now.is_next());
  };
  return answer_when(services, caller, name, {is_with_the_provider_or_waits, [](const JobView& now) {
                                                return reply_about(now, false);
                                              }});
}

}  // namespace

HttpReply start_job(const Services& services, const Caller& caller, const JobName& name) {
  const DatabaseResult<Rows> rows = services.connections->query(
      "SELECT outcome, active_table, active_job_id, active_status, problem FROM watchdog.start_job($1, $2, $3)",
      {name.table, name.job_id, caller.is_service() ? Text{} : Text{caller.user_id}}, {});
  if (!rows.ok()) return database_reply("starting a job", rows.error());
  const Rows& row = rows.value();
  const std::string outcome = row.text(0, "outcome");
  if (outcome == "not_found") return error_reply(404, "Job not found");
  if (outcome == "invalid") return refused(400, "INVALID_PAYLOAD", row.text(0, "problem"));
  if (outcome == "insufficient_credits") return refused(402, "INSUFFICIENT_CREDITS", row.text(0, "problem"));
  if (outcome == "user_is_active")
    return json_reply(409, {{"success", false},
                            {"error", "Another job of this user is active"},
                            {"code", "DUPLICATE_ACTIVE_JOB"},
                            {"activeTable", row.text(0, "active_table")},
                            {"activeJobId", row.text(0, "active_job_id")},
                            {"activeStatus", row.text(0, "active_status")}});
  if (outcome == "not_pending") {
    const Result<JobView, HttpReply> job = look_at_job(services, caller, name);
    return job.ok() ? reply_about(job.value(), true) : job.error();
  }
  services.wake();
  return reply_to_start(services, caller, name);
}

}  // namespace jobwatchdog
