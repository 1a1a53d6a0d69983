// Tasks of the emulated provider: made, run by the clock that is told, cancelled, forgotten. Its webhooks
// have a file of their own.
#include "native/emulator/emulated_provider.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

namespace jobwatchdog {
namespace {

constexpr int late_factor = 20;
constexpr Duration slow_min = seconds(2);
constexpr Duration slow_max = seconds(8);
constexpr std::int64_t coins_at_first = 177'814;

/// How many of the oldest tasks are looked at for one that has ended, when there is no room.
constexpr int room_looks_max = 16;

/// What is told, and the name of its count.
constexpr std::array<std::pair<const char*, const char*>, 24> event_counts{{
    {"task made", "tasks_made"},
    {"submit refused for want of room", "submits_refused"},
    {"submit refused on purpose", "submits_refused_on_purpose"},
    {"submit lost", "submits_lost"},
    {"query", "queries"},
    {"query of a forgotten task", "queries_of_forgotten_tasks"},
    {"cancel", "cancels"},
    {"cancel ignored", "cancels_ignored"},
    {"reply 5xx", "replies_5xx"},
    {"reply garbage", "replies_garbage"},
    {"reply never", "replies_never"},
    {"reply slow", "replies_slow"},
    {"webhook sent", "webhooks_sent"},
    {"webhook delivered", "webhooks_delivered"},
    {"webhook not delivered", "webhooks_failed"},
    {"webhook tried again", "webhooks_retried"},
    {"webhook lost", "webhooks_lost"},
    {"webhook twice", "webhooks_twice"},
    {"webhook late", "webhooks_late"},
    {"webhook early", "webhooks_early"},
    {"webhook forged", "webhooks_forged"},
    {"webhook misshapen", "webhooks_misshapen"},
    {"webhook resent", "webhooks_resent"},
    {"task forgotten for want of room", "tasks_forgotten_for_want_of_room"},
}};

/// Tells keys apart without telling them.
std::string fingerprint(const std::string& key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return fmt::format("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
}

}  // namespace

EmulatedProvider::EmulatedProvider(EmulatorSettings settings, EmulatorWitness witness)
    : settings_(std::move(settings)), witness_(std::move(witness)), dice_(settings_.seed) {}

void EmulatedProvider::tell(const std::string& what, const std::string& task_id) {
  ++told_[what];
  if (witness_) witness_(what, task_id);
}

bool EmulatedProvider::knows_key(const std::string& key) const {
  if (settings_.keys.empty()) return !key.empty();
  return std::find(settings_.keys.begin(), settings_.keys.end(), key) != settings_.keys.end();
}

/// 19 digits that grow with time, as the real ones do, and differ from run to run.
std::string EmulatedProvider::new_task_id(Instant now) const {
  const auto time = static_cast<std::uint64_t>(now.ms) % (1ULL << 40U);
  const std::uint64_t seed = dice_.draw("ids", 0) % (1U << 10U);
  std::uint64_t id =
      1'000'000'000'000'000'000ULL + (time << 22U) + (seed << 12U) + submit_number_ % (1U << 12U);
  while (tasks_.contains(std::to_string(id))) ++id;
  return std::to_string(id);
}

EmulatedProvider::Task EmulatedProvider::new_task(const TaskOrder& order, Instant now) {
  const EmulatorSettings& s = settings_;
  Task task{.number = submit_number_, .order = order, .created = now};
  task.task_time = dice_.between(s.task_time_min, s.task_time_max, "task_time", task.number);
  if (dice_.strikes(s.task_finishes_late_permille, "task_finishes_late", task.number))
    task.task_time.ms *= late_factor;
  const bool is_early =
      !order.webhook_url.empty() && dice_.strikes(s.webhook_early_permille, "webhook_early", task.number);
  if (is_early) task.task_time = Duration{0};
  task.starts = now + Duration{task.task_time.ms * s.queued_permille / 1'000};
  task.ends = now + task.task_time;
  task.fails = dice_.strikes(s.task_fails_permille, "task_fails", task.number);
  task.is_forgotten = dice_.strikes(s.task_forgotten_permille, "task_forgotten", task.number);
  task.webhook.url = order.webhook_url;
  if (!order.webhook_url.empty()) task.webhook.fate = WebhookRecord::Fate::owed;
  return task;
}

SubmitAnswer EmulatedProvider::submit(const TaskOrder& order, Instant now) {
  ++submit_number_;
  const EmulatorSettings& s = settings_;
  const bool is_refused = dice_.strikes(s.submit_refused_permille, "submit_refused", submit_number_);
  const Account* known = find_account(order.key, now);
  const bool is_full = known != nullptr && static_cast<int>(known->active.size()) >= s.concurrent_tasks_max;
  if (is_refused || is_full || !make_room(now)) {
    tell(is_refused ? "submit refused on purpose" : "submit refused for want of room", "");
    return {.kind = SubmitAnswer::Kind::no_capacity};
  }
  const std::string task_id = new_task_id(now);
  const Task& task = tasks_.emplace(task_id, new_task(order, now)).first->second;
  order_.push_back(task_id);
  Account& account = accounts_[order.key];
  ++account.task_count;
  SubmitAnswer answer{.task = report(task_id, task, now)};
  account.coins_spent += answer.task.coins;
  tell("task made", task_id);
  if (now < task.ends) {
    account.active.emplace(task.ends, task_id);
  } else {  // Early: its webhook comes before this answer, which knows nothing of it.
    answer.task.phase = TaskPhase::queued;
    answer.task.result_url.clear();
    answer.delay = s.early_answer_rest;
    tell("webhook early", task_id);
  }
  plan_end(task_id, task);
  if (!order.webhook_url.empty() && dice_.strikes(s.webhook_forged_permille, "webhook_forged", task.number))
    plan(now + Duration{task.task_time.ms / 2}, {.kind = Planned::Kind::forged, .task_id = task_id});
  answer.is_lost = dice_.strikes(s.submit_lost_permille, "submit_lost", task.number);
  answer.hangs_up = dice_.draw("submit_hangs_up", task.number) % 2 == 0;
  if (answer.is_lost) tell("submit lost", task_id);
  return answer;
}

TaskPhase EmulatedProvider::phase(const Task& task, Instant now) const {
  if (now < task.starts && !task.was_cancelled) return TaskPhase::queued;
  if (now < task.ends) return TaskPhase::running;
  if (task.was_cancelled) return TaskPhase::cancelled;
  return task.fails ? TaskPhase::failed : TaskPhase::succeeded;
}

TaskReport EmulatedProvider::report(const std::string& task_id, const Task& task, Instant now) const {
  TaskReport report{.task_id = task_id, .phase = phase(task, now), .task_time = task.task_time};
  report.coins = 1 + static_cast<int>(dice_.draw("coins", task.number) % 20);
  report.client_id =
      fmt::format("{:08x}{:08x}", dice_.draw("client", task.number, 0), dice_.draw("client", task.number, 1));
  if (report.phase == TaskPhase::succeeded)
    report.result_url = settings_.public_url + "/results/" + task_id + ".png";
  return report;
}

const EmulatedProvider::Task* EmulatedProvider::find(const std::string& key,
                                                     const std::string& task_id) const {
  const auto found = tasks_.find(task_id);
  return found == tasks_.end() || found->second.order.key != key ? nullptr : &found->second;
}

std::optional<TaskReport> EmulatedProvider::query(const std::string& key, const std::string& task_id,
                                                  Instant now) {
  tell("query", task_id);
  const Task* task = find(key, task_id);
  if (task == nullptr) return std::nullopt;
  if (task->is_forgotten && now >= task->ends) {
    tell("query of a forgotten task", task_id);
    return std::nullopt;
  }
  return report(task_id, *task, now);
}

bool EmulatedProvider::cancel(const std::string& key, const std::string& task_id, Instant now) {
  if (find(key, task_id) == nullptr) return false;
  Task& task = tasks_.at(task_id);
  if (now >= task.ends) return false;
  tell("cancel", task_id);
  if (dice_.strikes(settings_.cancel_ignored_permille, "cancel_ignored", task.number, ++task.cancel_count)) {
    task.ignored_cancel = true;
    tell("cancel ignored", task_id);
    return true;
  }
  accounts_.at(key).active.erase({task.ends, task_id});
  task.was_cancelled = true;
  task.task_time = now - task.created;
  task.ends = now;
  ++task.webhook_generation;
  plan_end(task_id, task);
  return true;
}

AccountReport EmulatedProvider::account(const std::string& key, Instant now) {
  AccountReport told{.coins_left = coins_at_first};
  const Account* account = find_account(key, now);
  if (account == nullptr) return told;
  for (const auto& [ends, task_id] : account->active)
    ++(phase(tasks_.at(task_id), now) == TaskPhase::queued ? told.queued_count : told.running_count);
  told.coins_left -= account->coins_spent;
  return told;
}

/// With only those tasks active that have not ended; nothing where the account has no task at all.
EmulatedProvider::Account* EmulatedProvider::find_account(const std::string& key, Instant now) {
  const auto found = accounts_.find(key);
  if (found == accounts_.end()) return nullptr;
  auto& active = found->second.active;
  while (!active.empty() && active.begin()->first <= now) active.erase(active.begin());
  return &found->second;
}

ReplyFault EmulatedProvider::reply_fault() {
  const EmulatorSettings& s = settings_;
  const std::uint64_t number = ++request_number_;
  ReplyFault fault;
  if (dice_.strikes(s.reply_slow_permille, "reply_slow", number)) {
    fault.delay = dice_.between(slow_min, slow_max, "reply_slowness", number);
    tell("reply slow", "");
  }
  const std::uint32_t kind = dice_.draw("reply_kind", number);
  if (dice_.strikes(s.reply_5xx_permille, "reply_5xx", number)) {
    constexpr std::array statuses{500, 502, 503, 504};
    fault.kind = ReplyFault::Kind::server_error;
    fault.status = statuses[kind % statuses.size()];
    fault.is_obeyed = kind / statuses.size() % 2 == 0;
    tell("reply 5xx", "");
  } else if (dice_.strikes(s.reply_garbage_permille, "reply_garbage", number)) {
    fault.kind = kind % 2 == 0 ? ReplyFault::Kind::html : ReplyFault::Kind::half;
    tell("reply garbage", "");
  } else if (dice_.strikes(s.reply_never_permille, "reply_never", number)) {
    fault.kind = ReplyFault::Kind::never;
    tell("reply never", "");
  }
  return fault;
}

bool EmulatedProvider::has_result(const std::string& task_id, Instant now) const {
  const auto found = tasks_.find(task_id);
  return found != tasks_.end() && phase(found->second, now) == TaskPhase::succeeded;
}

/// Forgets an old task that has ended, if need be; false: all that were looked at still run.
bool EmulatedProvider::make_room(Instant now) {
  if (static_cast<int>(tasks_.size()) < settings_.tasks_max) return true;
  for (int look = 0; look < room_looks_max && !order_.empty(); ++look) {
    const std::string oldest = order_.front();
    order_.pop_front();
    if (now >= tasks_.at(oldest).ends) {
      forget(oldest, now);
      return true;
    }
    order_.push_back(oldest);
  }
  return false;
}

void EmulatedProvider::forget(const std::string& task_id, Instant now) {
  const Task& task = tasks_.at(task_id);
  ++ended_before_[phase(task, now)];
  const auto account = accounts_.find(task.order.key);
  if (--account->second.task_count == 0) accounts_.erase(account);
  tasks_.erase(task_id);
  tell("task forgotten for want of room", task_id);
}

std::vector<TaskLine> EmulatedProvider::tasks(Instant now, std::size_t count_max) const {
  std::vector<TaskLine> lines;
  const std::size_t skipped = order_.size() > count_max ? order_.size() - count_max : 0;
  for (std::size_t i = skipped; i < order_.size(); ++i) {
    const Task& task = tasks_.at(order_[i]);
    lines.push_back({report(order_[i], task, now), fingerprint(task.order.key), task.order.app_id,
                     task.order.is_v1, task.created, task.ends, task.is_forgotten && now >= task.ends,
                     task.ignored_cancel, task.webhook});
  }
  return lines;
}

EmulatorCounts EmulatedProvider::counts(Instant now) const {
  std::map<TaskPhase, std::int64_t> phases = ended_before_;
  for (const auto& [task_id, task] : tasks_) ++phases[phase(task, now)];
  EmulatorCounts counts;
  for (const auto& [event, name] : event_counts) {
    const auto told = told_.find(event);
    counts.emplace_back(name, told == told_.end() ? 0 : told->second);
    if (counts.size() > 1) continue;  // Behind tasks_made stands what became of them.
    counts.emplace_back("tasks_queued", phases[TaskPhase::queued]);
    counts.emplace_back("tasks_running", phases[TaskPhase::running]);
    counts.emplace_back("tasks_succeeded", phases[TaskPhase::succeeded]);
    counts.emplace_back("tasks_failed", phases[TaskPhase::failed]);
    counts.emplace_back("tasks_cancelled", phases[TaskPhase::cancelled]);
  }
  return counts;
}

}  // namespace jobwatchdog
