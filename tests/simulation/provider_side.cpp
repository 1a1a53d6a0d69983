// Questions to the emulated provider: the way there, the effect, the way back.
#include "tests/simulation/provider_side.hpp"

#include <algorithm>
#include <utility>

#include "native/provider/runninghub.hpp"
#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

using Question = ProviderQuestion::Kind;

/// Of the HTTP client.
Duration patience_of(Question kind) {
  const RunningHubOptions options;
  return kind == Question::submit ? options.submit_timeout : options.query_timeout;
}

std::string last_segment(const std::string& url) { return url.substr(url.rfind('/') + 1); }

}  // namespace

ProviderSide::ProviderSide(World& world)
    : world_(world),
      emulator_(world.settings.emulator,
                [this](const std::string& what, const std::string& task_id) { hear(what, task_id); }) {}

void ProviderSide::hear(const std::string& what, const std::string& task_id) {
  world_.count("provider: " + what);
  world_.tell("provider: ", what, " ", task_id);
  if (what == "webhook lost") webhook_lost_.insert(task_id);
  if (what == "cancel ignored") cancel_was_ignored_ = true;
}

/// Nobody knows what became of it, or it never left.
ProviderAnswer ProviderSide::refusal_of_network(const ProviderQuestion& question, bool was_sent) const {
  ProviderAnswer answer{.number = question.number, .kind = question.kind};
  answer.submission.kind = was_sent ? Submission::Kind::unknown : Submission::Kind::not_sent;
  answer.submission.message = answer.verdict.message = was_sent ? "no answer" : "no connection";
  return answer;
}

void ProviderSide::ask(const ProviderQuestion& question, const std::function<void(Heard)>& answer) {
  const WorldFaults& faults = world_.settings.faults;
  if (question.kind == Question::submit)
    world_.laws.check_submit(world_.model, last_segment(question.webhook_url));
  if (world_.strikes(faults.not_connected, "network: no connection to the provider")) {
    world_.agenda.in(milliseconds(100), [=, this] { answer({refusal_of_network(question, false)}); });
    return;
  }
  const Instant gives_up_at = world_.now() + patience_of(question.kind);
  const bool is_late = world_.strikes(faults.request_late, "network: a request arrives late");
  const Duration way = is_late ? patience_of(question.kind) + world_.chance.between({}, seconds(30))
                               : world_.chance.between(milliseconds(5), milliseconds(150));
  const auto give_up = [=, this] { answer({refusal_of_network(question, true)}); };
  if (world_.strikes(faults.request_lost, "network: a request is lost")) {
    world_.agenda.at(gives_up_at, give_up);
    return;
  }
  if (is_late) world_.agenda.at(gives_up_at, give_up);
  world_.agenda.in(way, [=, this] {
    Reply reply = obey(question);
    plan_webhooks();
    world_.after_step();
    if (is_late) return;
    const bool is_lost =
        world_.strikes(world_.settings.faults.answer_lost, "network: an answer of the provider is lost");
    const Instant back_at =
        world_.now() + reply.delay + world_.chance.between(milliseconds(5), milliseconds(150));
    if (reply.is_lost || is_lost || back_at > gives_up_at) {
      world_.agenda.at(gives_up_at, give_up);
    } else {
      world_.agenda.at(back_at, [answer, told = std::move(reply.heard)] { answer(told); });
    }
  });
}

bool ProviderSide::is_silent(const std::string& account) {
  Silence& silence = silence_of_[account];
  if (silence.until > world_.now()) return true;
  const bool is_down = world_.chance.strikes(500);
  const char* const name = is_down ? "provider: is down for minutes" : "provider: a key is refused";
  if (!world_.strikes(world_.settings.faults.silence, name)) return false;
  const Instant end = world_.now() + world_.chance.between(minutes(1), minutes(4));
  silence = {std::min(world_.calm_since(), end), is_down};
  return true;
}

Instant ProviderSide::talks_since(const std::string& account) const {
  const auto silence = silence_of_.find(account);
  return silence == silence_of_.end() ? Instant{} : silence->second.until;
}

ProviderSide::Reply ProviderSide::obey(const ProviderQuestion& question) {
  Reply reply{.heard = {refusal_of_network(question, true), true}};
  ProviderAnswer& answer = reply.heard.answer;
  if (is_silent(question.account)) {
    reply.heard.provider_lives = !silence_of_.at(question.account).is_down;
    if (!reply.heard.provider_lives) return reply;
    answer.submission.kind = Submission::Kind::refused;
    answer.submission.message = "the key is refused";
    answer.submission.needs_person = answer.verdict.needs_person = true;
    return reply;
  }
  if (world_.strikes(world_.settings.faults.turned_away, "provider: 429")) {
    answer.submission.kind = Submission::Kind::not_sent;
    answer.submission.retry_after = answer.verdict.retry_after =
        world_.chance.between(seconds(1), seconds(30));
    return reply;
  }
  ReplyFault fault = emulator_.reply_fault();
  if (world_.is_calm()) fault = {};
  reply.heard.provider_lives = fault.kind != ReplyFault::Kind::server_error;
  reply.delay = fault.delay;
  reply.is_lost = fault.kind == ReplyFault::Kind::never;
  if (!fault.is_obeyed) return reply;
  const bool is_readable = fault.kind == ReplyFault::Kind::none;
  Reply obeyed = question.kind == Question::submit ? obey_submit(question) : obey_other(question);
  if (is_readable) answer = std::move(obeyed.heard.answer);
  reply.is_lost = reply.is_lost || obeyed.is_lost;
  reply.delay = reply.delay + obeyed.delay;
  return reply;
}

ProviderSide::Reply ProviderSide::obey_submit(const ProviderQuestion& question) {
  const SubmitAnswer submitted = emulator_.submit(
      {.key = question.account, .app_id = question.app_id, .webhook_url = question.webhook_url},
      world_.now());
  Reply reply{
      .heard = {refusal_of_network(question, true)}, .is_lost = submitted.is_lost, .delay = submitted.delay};
  Submission& submission = reply.heard.answer.submission;
  if (submitted.kind == SubmitAnswer::Kind::no_capacity) {
    submission.kind = Submission::Kind::no_capacity;
    return reply;
  }
  note_task(question, submitted);
  submission.kind = Submission::Kind::accepted;
  submission.task_id = submitted.task.task_id;
  return reply;
}

ProviderSide::Reply ProviderSide::obey_other(const ProviderQuestion& question) {
  Reply reply{.heard = {refusal_of_network(question, true)}};
  ProviderAnswer& answer = reply.heard.answer;
  if (question.kind == Question::query) answer_query(question, answer.verdict);
  if (question.kind == Question::webhook_detail) answer.webhook = detail_of_webhook(question);
  if (question.kind == Question::cancel) {
    cancel_was_ignored_ = false;
    answer.was_accepted = emulator_.cancel(question.account, question.task_id, world_.now());
    if (answer.was_accepted && !cancel_was_ignored_) note_cancel(question.task_id);
  }
  return reply;
}

void ProviderSide::answer_query(const ProviderQuestion& question, Verdict& verdict) {
  const std::optional<TaskReport> task = emulator_.query(question.account, question.task_id, world_.now());
  verdict = {};
  if (!task) {
    verdict.kind = Verdict::Kind::not_found;
    return;
  }
  switch (task->phase) {
    case TaskPhase::queued: verdict.kind = Verdict::Kind::alive_queued; break;
    case TaskPhase::running: verdict.kind = Verdict::Kind::alive_running; break;
    case TaskPhase::succeeded:
      verdict.kind = Verdict::Kind::succeeded;
      verdict.output_urls = {task->result_url};
      break;
    case TaskPhase::failed:
    case TaskPhase::cancelled: verdict.kind = Verdict::Kind::failed; break;
  }
}

WebhookDetail ProviderSide::detail_of_webhook(const ProviderQuestion& question) const {
  const auto report = emulator_.webhook(question.account, question.task_id, world_.now());
  if (!report) return {};
  return {.is_known = true,
          .status = report->record.fate == WebhookRecord::Fate::delivered ? "SUCCESS" : "FAILED",
          .token = last_segment(report->record.url),
          .retry_count = report->record.tries,
          .response = report->record.response};
}

void ProviderSide::note_task(const ProviderQuestion& question, const SubmitAnswer& submitted) {
  const std::string token = last_segment(question.webhook_url);
  const TaskReport& task = submitted.task;
  const Instant ends = world_.now() + task.task_time;
  if (task.task_time > world_.settings.emulator.task_time_max) world_.count("provider: task finishes late");
  for (const auto& [attempt, submission] : world_.model.tables.submissions) {
    if (submission.token == token)
      tasks_[task.task_id] = {attempt, question.account, ends, emulator_.has_result(task.task_id, ends)};
  }
}

void ProviderSide::note_cancel(const std::string& task_id) {
  TrueTask& task = tasks_.at(task_id);
  task.ends = world_.now();
  task.succeeds = false;
}

}  // namespace jobwatchdog::test
