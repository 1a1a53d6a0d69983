// Webhooks of the emulated provider: when they ring, what they say, how often they are tried, and what goes
// wrong.
#include <charconv>

#include "native/emulator/emulated_provider.hpp"
#include "native/emulator/emulator_shapes.hpp"
#include "native/json_text.hpp"

namespace jobwatchdog {
namespace {

constexpr std::size_t response_size_max = 200;

/// The webhook's id from the task's and back. A bit mask below the zeros of 10^18, so that 19 digits remain.
std::string mirrored(const std::string& id) {
  constexpr std::uint64_t mask = 0x15A5A;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size()) return "";
  return std::to_string(number ^ mask);
}

}  // namespace

/// A late webhook is planned late; what else goes wrong with it is drawn when it is due.
void EmulatedProvider::plan_end(const std::string& task_id, const Task& task) {
  if (task.order.webhook_url.empty()) return;
  Instant due = task.ends;
  if (dice_.strikes(settings_.webhook_late_permille, "webhook_late", task.number)) {
    due = due + dice_.between(milliseconds(1), settings_.webhook_late_max, "webhook_lateness", task.number);
  }
  plan(due, {.kind = Planned::Kind::end, .task_id = task_id, .generation = task.webhook_generation});
}

std::vector<WebhookCall> EmulatedProvider::take_webhooks(Instant now, int count_max) {
  std::vector<WebhookCall> calls;
  while (!planned_.empty() && planned_.begin()->first <= now && static_cast<int>(calls.size()) < count_max) {
    const Planned planned = planned_.extract(planned_.begin()).mapped();
    carry_out(planned, now, calls);
  }
  return calls;
}

std::optional<Instant> EmulatedProvider::next_webhook_at() const {
  return planned_.empty() ? std::nullopt : std::optional<Instant>{planned_.begin()->first};
}

void EmulatedProvider::carry_out(const Planned& planned, Instant now, std::vector<WebhookCall>& calls) {
  const auto found = tasks_.find(planned.task_id);
  if (found == tasks_.end()) return;
  Task& task = found->second;
  const std::string& task_id = planned.task_id;
  switch (planned.kind) {
    case Planned::Kind::end:
      if (planned.generation == task.webhook_generation) ring_end(planned, task, now, calls);
      return;
    case Planned::Kind::retry:
      if (planned.generation != task.webhook_generation) return;
      tell("webhook tried again", task_id);
      calls.push_back(call(task_id, task.webhook.url, end_body(task_id, task, now), true));
      return;
    case Planned::Kind::forged:
      if (now >= task.ends) return;  // It would tell the truth.
      tell("webhook forged", task_id);
      calls.push_back(call(task_id, task.webhook.url, forged_body(task_id, task), false));
      return;
    case Planned::Kind::resent: break;
  }
  tell("webhook resent", task_id);
  calls.push_back(call(task_id, planned.url, end_body(task_id, task, now), true));
}

void EmulatedProvider::ring_end(const Planned& planned, Task& task, Instant now,
                                std::vector<WebhookCall>& calls) {
  const EmulatorSettings& s = settings_;
  const std::string& task_id = planned.task_id;
  task.webhook.created = task.ends;
  task.webhook.updated = now;
  if (dice_.strikes(s.webhook_lost_permille, "webhook_lost", task.number)) {
    task.webhook.fate = WebhookRecord::Fate::lost;
    tell("webhook lost", task_id);
    return;
  }
  if (dice_.strikes(s.webhook_late_permille, "webhook_late", task.number)) tell("webhook late", task_id);
  if (dice_.strikes(s.webhook_misshapen_permille, "webhook_misshapen", task.number))
    tell("webhook misshapen", task_id);
  calls.push_back(call(task_id, task.webhook.url, end_body(task_id, task, now), true));
  if (dice_.strikes(s.webhook_twice_permille, "webhook_twice", task.number)) {
    tell("webhook twice", task_id);
    calls.push_back(call(task_id, task.webhook.url, end_body(task_id, task, now), false));
  }
}

WebhookCall EmulatedProvider::call(const std::string& task_id, const std::string& url, std::string body,
                                   bool counts) {
  tell("webhook sent", task_id);
  flights_.emplace(++call_number_, Flight{task_id, counts});
  return {call_number_, task_id, url, std::move(body)};
}

/// What the end of a task rings with.
std::string EmulatedProvider::end_body(const std::string& task_id, const Task& task, Instant now) const {
  Json event = webhook_event(report(task_id, task, now), is_v1_webhook(task));
  if (!dice_.strikes(settings_.webhook_misshapen_permille, "webhook_misshapen", task.number))
    return json_line(event);
  switch (dice_.draw("webhook_shape", task.number) % 3) {
    case 0: return "<html><body>webhook</body></html>";
    case 1: return json_line(event).substr(0, 40);
    default: break;
  }
  event.erase("taskId");
  event["eventData"] = nullptr;
  return json_line(event);
}

/// SUCCESS of the running task itself, or of the oldest one that is known, which is most likely somebody
/// else's.
std::string EmulatedProvider::forged_body(const std::string& task_id, const Task& task) const {
  TaskReport lie{.task_id = task_id, .phase = TaskPhase::succeeded, .task_time = task.task_time, .coins = 1};
  if (dice_.draw("webhook_forgery", task.number) % 2 == 0)
    lie.task_id = order_.size() > 1 && order_.front() != task_id ? order_.front() : mirrored(task_id);
  lie.result_url = settings_.public_url + "/results/forged.png";
  return json_line(webhook_event(lie, is_v1_webhook(task)));
}

void EmulatedProvider::record_webhook(std::uint64_t number, int status, const std::string& response,
                                      Instant now) {
  const auto flight = flights_.extract(number);
  if (flight.empty() || !flight.mapped().counts) return;
  const std::string& task_id = flight.mapped().task_id;
  const auto found = tasks_.find(task_id);
  if (found == tasks_.end()) return;
  WebhookRecord& record = found->second.webhook;
  ++record.tries;
  record.updated = now;
  record.response = (status > 0 ? "HTTP " + std::to_string(status) + " " : "") + response;
  record.response.resize(std::min(record.response.size(), response_size_max));
  if (status >= 200 && status < 300) {
    record.fate = WebhookRecord::Fate::delivered;
    tell("webhook delivered", task_id);
  } else if (record.tries <= settings_.webhook_retries_max) {
    plan(now + settings_.webhook_retry_rest,
         {.kind = Planned::Kind::retry, .task_id = task_id, .generation = found->second.webhook_generation});
  } else {
    record.fate = WebhookRecord::Fate::failed;
    tell("webhook not delivered", task_id);
  }
}

std::optional<WebhookReport> EmulatedProvider::webhook(const std::string& key, const std::string& task_id,
                                                       Instant now) const {
  const Task* task = find(key, task_id);
  const bool was_rung =
      task != nullptr && (task->webhook.tries > 0 || task->webhook.fate == WebhookRecord::Fate::lost);
  if (!was_rung) return std::nullopt;
  return WebhookReport{mirrored(task_id), report(task_id, *task, now), is_v1_webhook(*task), task->webhook};
}

bool EmulatedProvider::resend_webhook(const std::string& key, const std::string& webhook_id,
                                      const std::string& url, Instant now) {
  const std::string task_id = mirrored(webhook_id);
  if (!webhook(key, task_id, now)) return false;
  WebhookRecord& record = tasks_.at(task_id).webhook;
  record.fate = WebhookRecord::Fate::owed;
  record.tries = 0;
  record.url = url;
  plan(now, {.kind = Planned::Kind::resent, .task_id = task_id, .url = url});
  return true;
}

}  // namespace jobwatchdog
