// The reconciler's decisions: core/watch.hpp's machine with the provider as its server.
#include "core/reconciliation.hpp"

#include <algorithm>

#include "core/backoff.hpp"
#include "core/duration_text.hpp"
#include "core/retry_after.hpp"

namespace jobwatchdog {
namespace {

using Kind = CheckDecision::Kind;

constexpr BackoffPolicy submit_pause{seconds(2), seconds(60), 500};
constexpr BackoffPolicy chase_pause{seconds(5), seconds(60), 0};
constexpr BackoffPolicy orphan_pause{seconds(60), minutes(60), 0};

/// A task that is unknown so often in a row does not run.
constexpr int not_found_believed_after = 3;

/// Its first event is the moment at which the job started, so that its count of time is that of the job.
void begin_watch(JobAtWork& job, WatchMoment moment, const WatchPolicy& policy) {
  if (job.watch.phase != WatchPhase::stopped) return;
  const WatchMoment start{std::min(job.started_at, moment.now), moment.draw_permille};
  (void)advance(job.watch, {.kind = WatchEvent::Kind::watch, .status = JobStatus::running}, start, policy);
}

CheckDecision wait_until(const WatchActions& actions, WatchMoment moment, const WatchPolicy& policy) {
  const Instant wake_at = actions.wake_at.value_or(moment.now + policy.poll_interval);
  return {.kind = Kind::wait, .next_check_after = std::max(wake_at - moment.now, milliseconds(100))};
}

std::string task_words(const JobAtWork& job) {
  if (job.task_id) return "task " + *job.task_id;
  return job.claimed_task_id ? "task " + *job.claimed_task_id : "the submit";
}

std::string verdict_words(const JobAtWork& job, const Verdict& verdict) {
  switch (verdict.kind) {
    case Verdict::Kind::alive_queued: return "the provider has " + task_words(job) + " in its queue";
    case Verdict::Kind::alive_running: return "the provider still works on " + task_words(job);
    case Verdict::Kind::not_found: return "the provider does not know " + task_words(job);
    case Verdict::Kind::succeeded: return "the provider finished " + task_words(job);
    case Verdict::Kind::failed:
      return "the provider failed " + task_words(job) + " (" + verdict.code + " " + verdict.message + ")";
    case Verdict::Kind::unknown: break;
  }
  return "the provider gave no usable answer about " + task_words(job) +
         (verdict.message.empty() ? "" : " (" + verdict.message + ")");
}

/// The server's own end of a job: its hard deadline passed, and the last word was no end.
CheckDecision fail_at_deadline(const JobAtWork& job, const Verdict& verdict) {
  const Duration patience = job.deadline_at - job.started_at;
  return {.kind = Kind::fail,
          .error_message = "Trabalho cancelado automaticamente após " +
                           std::to_string((patience.ms + 59'999) / 60'000) + " minutos. Créditos estornados.",
          .reason = verdict_words(job, verdict) + ", and the hard deadline has passed (" +
                    duration_text(patience) + ")"};
}

CheckDecision complete(const JobAtWork& job, const Verdict& verdict) {
  return {.kind = Kind::complete,
          .task_has_ended = true,
          .output_url = verdict.output_urls.empty() ? "" : verdict.output_urls.front(),
          .reason = verdict_words(job, verdict)};
}

CheckDecision fail_by_provider(const JobAtWork& job, const Verdict& verdict) {
  return {.kind = Kind::fail,
          .task_has_ended = true,
          .error_message = "O provedor não concluiu o trabalho" +
                           (verdict.message.empty() ? "" : " (" + verdict.message + ")") +
                           ". Créditos estornados.",
          .reason = verdict_words(job, verdict)};
}

/// The verdict as the machine hears it: a reply of its server, with that server's clock and deadline.
WatchEvent reply_event(const JobAtWork& job, const Verdict& verdict, WatchMoment moment) {
  WatchEvent event{.kind = WatchEvent::Kind::reply,
                   .status = JobStatus::running,
                   .request_number = job.watch.in_flight,
                   .reason = SyncReason::api_error,
                   .server_now = moment.now,
                   .deadline_at = job.deadline_at};
  switch (verdict.kind) {
    case Verdict::Kind::succeeded: event.status = JobStatus::completed; break;
    case Verdict::Kind::failed: event.status = JobStatus::failed; break;
    case Verdict::Kind::alive_queued:
    case Verdict::Kind::alive_running: event.reason = SyncReason::still_processing; break;
    case Verdict::Kind::not_found:
    case Verdict::Kind::unknown: break;
  }
  return event;
}

}  // namespace

CheckDecision begin_check(JobAtWork& job, WatchMoment moment, const WatchPolicy& policy) {
  begin_watch(job, moment, policy);
  const auto kind = job.was_rung ? WatchEvent::Kind::refresh : WatchEvent::Kind::tick;
  // Without a first rest the machine asks as it begins; that question has not been put yet.
  WatchActions actions{.ask = job.watch.in_flight};
  if (actions.ask == 0) actions = advance(job.watch, {.kind = kind}, moment, policy);
  if (actions.ask == 0) return wait_until(actions, moment, policy);
  if (job.task_id || job.claimed_task_id)
    return {.kind = Kind::ask, .task_id = job.task_id ? *job.task_id : *job.claimed_task_id};
  Verdict nobody_knows;
  nobody_knows.message = "the answer to the submit is not known";
  return take_verdict(job, nobody_knows, moment, policy);
}

CheckDecision take_verdict(JobAtWork& job, const Verdict& verdict, WatchMoment moment,
                           const WatchPolicy& policy) {
  const WatchActions actions = advance(job.watch, reply_event(job, verdict, moment), moment, policy);
  const bool is_known = verdict.kind != Verdict::Kind::unknown && verdict.kind != Verdict::Kind::not_found;
  CheckDecision decision;
  if (verdict.kind == Verdict::Kind::succeeded) {
    decision = complete(job, verdict);
  } else if (verdict.kind == Verdict::Kind::failed) {
    decision = fail_by_provider(job, verdict);
  } else if (job.watch.phase == WatchPhase::overdue || job.watch.phase == WatchPhase::given_up) {
    decision = fail_at_deadline(job, verdict);
  } else {
    decision = wait_until(actions, moment, policy);
    decision.next_check_after =
        std::max(decision.next_check_after, std::min(verdict.retry_after, retry_after_max));
    decision.reason = verdict_words(job, verdict);
  }
  decision.adopt_task = !job.task_id && job.claimed_task_id && is_known;
  return decision;
}

SubmissionDecision decide_submission(const Submission& submission, int refusal_count, int draw_permille) {
  SubmissionDecision decision{.outcome = submission.kind};
  if (submission.kind == Submission::Kind::refused && submission.needs_person)
    decision.outcome = Submission::Kind::not_sent;
  const bool has_no_task =
      decision.outcome == Submission::Kind::no_capacity || decision.outcome == Submission::Kind::not_sent;
  if (has_no_task) {
    const int jitter = std::clamp(draw_permille, 0, 1000) * submit_pause.jitter_permille_max / 1000;
    decision.pause =
        std::max(std::min(submission.retry_after, retry_after_max),
                 submission.needs_person ? submit_pause.delay_max
                                         : backoff_delay(std::max(refusal_count, 1), jitter, submit_pause));
    decision.error_message = "O provedor está sem capacidade. Créditos estornados.";
  } else if (decision.outcome == Submission::Kind::refused) {
    decision.error_message = "O provedor recusou o trabalho" +
                             (submission.message.empty() ? "" : " (" + submission.message + ")") +
                             ". Créditos estornados.";
  }
  return decision;
}

ChaseDecision decide_chase(const Verdict& verdict, int check_count, bool is_orphan) {
  if (verdict.kind == Verdict::Kind::succeeded)
    return {.has_ended = true, .output_url = verdict.output_urls.empty() ? "" : verdict.output_urls.front()};
  if (verdict.kind == Verdict::Kind::failed) return {.has_ended = true};
  if (verdict.kind == Verdict::Kind::not_found && check_count + 1 >= not_found_believed_after)
    return {.has_ended = true};
  const Duration rest = backoff_delay(check_count + 1, 0, is_orphan ? orphan_pause : chase_pause);
  return {.next_check_after = std::max(rest, std::min(verdict.retry_after, retry_after_max))};
}

}  // namespace jobwatchdog
