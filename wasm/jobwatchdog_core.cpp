// The exports of the WebAssembly module: core's functions over numbers and plain value objects. The types
// that JavaScript sees are in jobwatchdog_core.d.mts.
#include <emscripten/bind.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/policy.hpp"
#include "core/watch_list.hpp"

namespace jobwatchdog {
namespace {

namespace em = emscripten;

struct CorePolicy {
  double initial_delay_ms;
  double poll_interval_ms;
  double timeout_max_ms;
};

struct CoreEvent {
  int kind;
  int status;
  int request_number;
  int reason;
  int http_status;
  double retry_after_ms;
  double server_now_ms;
  double deadline_at_ms;
};

struct CoreStep {
  int ask;
  bool abort;
  int report;
  int phase;
  int pause;
  bool pause_changed;
  double wake_at_ms;
  double next_ask_at_ms;
  int answer_count;
  int failure_count;
};

/// A number of JavaScript as whole milliseconds; what is no number becomes 0, and what is absurd a bound that
/// no sum of core overflows.
std::int64_t whole_ms(double ms) {
  constexpr double bound = 1e15;
  if (std::isnan(ms)) return 0;
  return static_cast<std::int64_t>(ms < -bound ? -bound : ms > bound ? bound : ms);
}

std::optional<Instant> instant_of(double ms) {
  return std::isnan(ms) ? std::nullopt : std::optional{Instant{whole_ms(ms)}};
}

double number_of(const std::optional<Instant>& instant) {
  return instant ? static_cast<double>(instant->ms) : std::nan("");
}

WatchPolicy policy_of(const CorePolicy& policy) {
  return {{whole_ms(policy.initial_delay_ms)},
          {whole_ms(policy.poll_interval_ms)},
          {whole_ms(policy.timeout_max_ms)}};
}

WatchEvent event_of(const CoreEvent& event) {
  WatchEvent read;
  read.kind = static_cast<WatchEvent::Kind>(event.kind);
  if (event.status >= 0) read.status = static_cast<JobStatus>(event.status);
  read.request_number = event.request_number;
  read.reason = static_cast<SyncReason>(event.reason);
  read.server_now = instant_of(event.server_now_ms);
  read.deadline_at = instant_of(event.deadline_at_ms);
  read.http_status = event.http_status;
  read.retry_after = {whole_ms(event.retry_after_ms)};
  return read;
}

bool is_planned(const WatchState& state) { return state.wake_at && state.in_flight == 0; }

CoreStep step_of(const WatchedJob& job) {
  const WatchState& state = job.state;
  CoreStep told{};
  told.ask = job.actions.ask;
  told.abort = job.actions.abort;
  told.report = job.actions.report ? static_cast<int>(job.actions.report->kind) : -1;
  told.phase = static_cast<int>(state.phase);
  told.pause = static_cast<int>(state.paused);
  told.pause_changed = job.actions.paused.has_value();
  told.wake_at_ms = number_of(state.wake_at);
  told.next_ask_at_ms =
      is_planned(state) ? number_of(state.last_now + (state.next_ask_at - state.lived)) : std::nan("");
  told.answer_count = state.answer_count;
  told.failure_count = state.failure_count;
  return told;
}

/// The lists by number; a closed one stays as an empty place. A page opens one or two.
std::vector<WatchList>& lists() {
  static std::vector<WatchList> opened;
  return opened;
}

WatchList& list_of(int list) {
  const auto place = static_cast<std::size_t>(list - 1);
  require(place < lists().size(), "a list is used after openList() gave its number");
  return lists()[place];
}

std::string policy_problems(const CorePolicy& policy) {
  std::string lines;
  for (const Problem& problem : validate_watch_policy(policy_of(policy)))
    lines += problem.where + " " + problem.what + "; " + problem.mend + "\n";
  return lines;
}

int open_list(const CorePolicy& policy) {
  lists().push_back({.policy = policy_of(policy)});
  return static_cast<int>(lists().size());
}

void close_list(int list) { list_of(list) = {}; }
void set_policy(int list, const CorePolicy& policy) { list_of(list).policy = policy_of(policy); }
int add_job_to(int list) { return add_job(list_of(list)); }
void remove_job_from(int list, int key) { remove_job(list_of(list), key); }

CoreStep last_step(int list, int key) { return step_of(list_of(list).jobs[static_cast<std::size_t>(key)]); }

CoreStep step_one(int list, int key, const CoreEvent& event, double now_ms, int draw_permille) {
  step_job(list_of(list), key, event_of(event), {{whole_ms(now_ms)}, draw_permille});
  return last_step(list, key);
}

em::val step_every(int list, int event_kind, double now_ms, int draw_permille) {
  const std::vector<int> keys = step_all(list_of(list), {.kind = static_cast<WatchEvent::Kind>(event_kind)},
                                         {{whole_ms(now_ms)}, draw_permille});
  // The view is into the module's memory, which moves when it grows: JavaScript gets a copy.
  return em::val{em::typed_memory_view(keys.size(), keys.data())}.call<em::val>("slice");
}

double wake_of(int list) { return number_of(wake_at(list_of(list))); }

/// The words in the order of core's enumerators.
std::string vocabulary() {
  std::string text =
      "event: watch status_changed tick reply error visible hidden online offline flag_on flag_off lead follow refresh "
      "others_ask stop\n"
      "reason: none already_terminal no_task_id no_api_key api_error still_processing\n"
      "report: completed failed cancelled overdue given_up\n"
      "phase: stopped waiting watching overdue given_up completed failed cancelled\n"
      "pause: none flag_off offline hidden another_tab\n"
      "status:";
  for (const JobStatus status : all_job_statuses) text += " " + std::string{job_status_name(status)};
  return text + "\n";
}

}  // namespace

EMSCRIPTEN_BINDINGS(jobwatchdog_core) {
  em::value_object<CorePolicy>("CorePolicy")
      .field("initialDelayMs", &CorePolicy::initial_delay_ms)
      .field("pollIntervalMs", &CorePolicy::poll_interval_ms)
      .field("timeoutMaxMs", &CorePolicy::timeout_max_ms);
  em::value_object<CoreEvent>("CoreEvent")
      .field("kind", &CoreEvent::kind)
      .field("status", &CoreEvent::status)
      .field("requestNumber", &CoreEvent::request_number)
      .field("reason", &CoreEvent::reason)
      .field("httpStatus", &CoreEvent::http_status)
      .field("retryAfterMs", &CoreEvent::retry_after_ms)
      .field("serverNowMs", &CoreEvent::server_now_ms)
      .field("deadlineAtMs", &CoreEvent::deadline_at_ms);
  em::value_object<CoreStep>("CoreStep")
      .field("ask", &CoreStep::ask)
      .field("abort", &CoreStep::abort)
      .field("report", &CoreStep::report)
      .field("phase", &CoreStep::phase)
      .field("pause", &CoreStep::pause)
      .field("pauseChanged", &CoreStep::pause_changed)
      .field("wakeAtMs", &CoreStep::wake_at_ms)
      .field("nextAskAtMs", &CoreStep::next_ask_at_ms)
      .field("answerCount", &CoreStep::answer_count)
      .field("failureCount", &CoreStep::failure_count);
  em::function("vocabulary", &vocabulary);
  em::function("policyProblems", &policy_problems);
  em::function("openList", &open_list);
  em::function("closeList", &close_list);
  em::function("setPolicy", &set_policy);
  em::function("addJob", &add_job_to);
  em::function("removeJob", &remove_job_from);
  em::function("stepJob", &step_one);
  em::function("stepAll", &step_every);
  em::function("lastStep", &last_step);
  em::function("wakeAt", &wake_of);
}

}  // namespace jobwatchdog
