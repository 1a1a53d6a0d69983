// Questions to the emulated provider: the way there, the effect, the way back.
#include "tests/simulation/provider_side.hpp"

#include <utility>

#include "tests/simulation/world.hpp"

namespace jobwatchdog::test {
namespace {

using Question = ProviderQuestion::Kind;

constexpr Duration patience = seconds(10);  ///< Of the HTTP client.

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

void ProviderSide::ask(const ProviderQuestion& question, const std::function<void(ProviderAnswer)>& answer) {
  const WorldFaults& faults = world_.settings.faults;
  if (question.kind == Question::submit)
    world_.laws.check_submit(world_.model, last_segment(question.webhook_url));
  if (world_.strikes(faults.not_connected, "network: no connection to the provider")) {
    world_.agenda.in(milliseconds(100), [=, this] { answer(refusal_of_network(question, false)); });
    return;
  }
  const Instant gives_up_at = world_.now() + patience;
  const bool is_late = world_.strikes(faults.request_late, "network: a request arrives late");
  const Duration way = is_late ? world_.chance.between(seconds(10), seconds(40))
                               : world_.chance.between(milliseconds(5), milliseconds(150));
  const auto give_up = [=, this] { answer(refusal_of_network(question, true)); };
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
      world_.agenda.at(back_at, [answer, told = std::move(reply.answer)] { answer(told); });
    }
  });
}

bool ProviderSide::is_key_refused(const std::string& account) {
  Instant& until = key_refused_until_[account];
  if (until <= world_.now() &&
      world_.strikes(world_.settings.faults.key_refused, "provider: a key is refused"))
    until = world_.now() + world_.chance.between(minutes(1), minutes(4));
  return until > world_.now();
}

ProviderSide::Reply ProviderSide::obey(const ProviderQuestion& question) {
  Reply reply{.answer = refusal_of_network(question, true)};
  if (is_key_refused(question.account)) {
    reply.answer.submission.kind = Submission::Kind::refused;
    reply.answer.submission.message = "the key is refused";
    reply.answer.submission.needs_person = reply.answer.verdict.needs_person = true;
    return reply;
  }
  if (world_.strikes(world_.settings.faults.turned_away, "provider: 429")) {
    reply.answer.submission.kind = Submission::Kind::not_sent;
    reply.answer.submission.retry_after = reply.answer.verdict.retry_after =
        world_.chance.between(seconds(1), seconds(30));
    return reply;
  }
  ReplyFault fault = emulator_.reply_fault();
  if (world_.is_calm()) fault = {};
  reply.delay = fault.delay;
  reply.is_lost = fault.kind == ReplyFault::Kind::never;
  if (!fault.is_obeyed) return reply;
  const bool is_readable = fault.kind == ReplyFault::Kind::none;
  if (question.kind == Question::submit) {
    Reply submitted = obey_submit(question);
    if (is_readable) reply.answer = std::move(submitted.answer);
    reply.is_lost = reply.is_lost || submitted.is_lost;
    reply.delay = reply.delay + submitted.delay;
    return reply;
  }
  ProviderAnswer answer = reply.answer;
  if (question.kind == Question::query) answer_query(question, answer);
  if (question.kind == Question::cancel) {
    cancel_was_ignored_ = false;
    answer.was_accepted = emulator_.cancel(question.account, question.task_id, world_.now());
    if (answer.was_accepted && !cancel_was_ignored_) note_cancel(question.task_id);
  }
  if (is_readable) reply.answer = std::move(answer);
  return reply;
}

ProviderSide::Reply ProviderSide::obey_submit(const ProviderQuestion& question) {
  const SubmitAnswer submitted = emulator_.submit(
      {.key = question.account, .app_id = question.app_id, .webhook_url = question.webhook_url},
      world_.now());
  Reply reply{
      .answer = refusal_of_network(question, true), .is_lost = submitted.is_lost, .delay = submitted.delay};
  if (submitted.kind == SubmitAnswer::Kind::no_capacity) {
    reply.answer.submission.kind = Submission::Kind::no_capacity;
    return reply;
  }
  note_task(question, submitted);
  reply.answer.submission.kind = Submission::Kind::accepted;
  reply.answer.submission.task_id = submitted.task.task_id;
  return reply;
}

void ProviderSide::answer_query(const ProviderQuestion& question, ProviderAnswer& answer) {
  const std::optional<TaskReport> task = emulator_.query(question.account, question.task_id, world_.now());
  Verdict& verdict = answer.verdict;
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
