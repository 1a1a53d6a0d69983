// The machine of one watched job.
#include "core/watch.hpp"

#include <algorithm>
#include <utility>

#include "core/backoff.hpp"
#include "core/retry_after.hpp"

namespace jobwatchdog {
namespace {

using Kind = WatchEvent::Kind;
using Report = WatchReport::Kind;

/// Why a job has not ended, for the report.
struct Why {
  std::string_view text;
  int http_status{0};
};

/// One step in the making.
struct Turn {
  WatchState& state;
  WatchActions& actions;
  const WatchMoment moment;
  const WatchPolicy& policy;
};

bool is_watched(const WatchState& state) {
  return state.phase == WatchPhase::waiting || state.phase == WatchPhase::watching ||
         state.phase == WatchPhase::overdue;
}

/// What passed since the last event, as far as it can be believed.
void pass_time(WatchState& state, Instant now) {
  const Duration passed = now - state.last_now;
  const Duration expected = state.wake_at ? *state.wake_at - state.last_now : Duration{};
  const Duration believed_max = expected + watch_lateness_max;
  state.lived = state.lived + std::clamp(passed, Duration{}, believed_max);
  state.last_now = now;
}

PauseReason pause_of(const WatchState& state) {
  if (!is_watched(state)) return PauseReason::none;
  if (!state.is_enabled) return PauseReason::flag_off;
  if (!state.is_online) return PauseReason::offline;
  if (!state.is_visible) return PauseReason::hidden;
  return state.is_leading ? PauseReason::none : PauseReason::another_tab;
}

void drop_request(Turn& turn) {
  if (turn.state.in_flight != 0) turn.actions.abort = true;
  turn.state.in_flight = 0;
}

void leave(Turn& turn, WatchPhase phase) {
  drop_request(turn);
  turn.state.phase = phase;
}

void give_up(Turn& turn, const Why& why) {
  leave(turn, WatchPhase::given_up);
  if (!turn.state.giving_up_was_told) turn.actions.report = {Report::given_up, "", why.text, why.http_status};
  turn.state.giving_up_was_told = true;
}

Duration slowest_pace(const WatchPolicy& policy) { return std::max(watch_delay_max, policy.poll_interval); }

Duration rest_after_failure(const Turn& turn) {
  const Duration least =
      turn.policy.retry_delay_min.ms > 0 ? turn.policy.retry_delay_min : turn.policy.poll_interval;
  // Who asks again soon does not ask a bad server less often than a good one: it has a circuit for that.
  const Duration most = turn.policy.retry_delay_min.ms > 0 ? std::max(least, turn.policy.poll_interval)
                                                           : slowest_pace(turn.policy);
  const BackoffPolicy policy{least, most, 500};
  return backoff_delay(turn.state.failure_count, std::clamp(turn.moment.draw_permille, 0, 1000) / 2, policy);
}

/// Past the limit the server has had its last word, which was no end. `why` says what it was.
void go_overdue(Turn& turn, const Why& why) {
  turn.state.phase = WatchPhase::overdue;
  if (!turn.state.overdue_was_told) turn.actions.report = {Report::overdue, "", why.text, why.http_status};
  turn.state.overdue_was_told = true;
}

void count_answer(WatchState& state, bool was_failure) {
  state.in_flight = 0;
  ++state.answer_count;
  state.answered_at = state.lived;
  state.failure_count = was_failure ? state.failure_count + 1 : 0;
}

/// An ask was answered, well or badly, and the job has not ended: when to ask again.
void settle_answer(Turn& turn, bool was_failure, const Why& why) {
  WatchState& state = turn.state;
  count_answer(state, was_failure);
  if (state.lived >= state.limit_at) {
    go_overdue(turn, why);
    if (++state.late_answer_count > watch_late_answers_max) return give_up(turn, why);
    state.next_ask_at = state.lived + slowest_pace(turn.policy);
    return;
  }
  state.phase = WatchPhase::watching;
  state.next_ask_at = state.lived + (was_failure ? rest_after_failure(turn) : turn.policy.poll_interval);
}

/// The server's clock says how much of the limit is left.
void learn_time(Turn& turn, const WatchEvent& event) {
  if (!event.server_now) return;
  WatchState& state = turn.state;
  state.server_now = event.server_now;
  if (!state.began_by_server) state.began_by_server = Instant{event.server_now->ms - state.lived.ms};
  Instant limit = *state.began_by_server + turn.policy.timeout_max;
  if (event.deadline_at) limit = std::min(limit, *event.deadline_at);
  state.limit_at = state.lived + (limit - *event.server_now);
}

void end_with(Turn& turn, const WatchEvent& event) {
  turn.state.status = *event.status;
  leave(turn, *event.status == JobStatus::completed ? WatchPhase::completed
              : *event.status == JobStatus::failed  ? WatchPhase::failed
                                                    : WatchPhase::cancelled);
}

void report_end(Turn& turn, const WatchEvent& event) {
  if (event.request_number != 0) count_answer(turn.state, false);
  end_with(turn, event);
  const Report kind = turn.state.phase == WatchPhase::completed ? Report::completed
                      : turn.state.phase == WatchPhase::failed  ? Report::failed
                                                                : Report::cancelled;
  turn.actions.report = {kind, event.output_url, event.message};
}

Why why_not_ended(const WatchEvent& event) {
  if (!event.message.empty()) return {event.message};
  if (event.reason == SyncReason::no_task_id) return {"no_task_id"};
  if (event.reason == SyncReason::no_api_key) return {"no_api_key"};
  if (event.reason == SyncReason::api_error) return {"api_error"};
  if (event.reason == SyncReason::already_terminal) return {"already_terminal"};
  return {"still_processing"};
}

/// News that another tab or a push brought is no answer to an ask of ours; it may also be old.
void hear_news(Turn& turn, const WatchEvent& event) {
  WatchState& state = turn.state;
  if (event.server_now && state.server_now && *event.server_now < *state.server_now) return;
  learn_time(turn, event);
  if (event.status) state.status = *event.status;
  if (state.lived >= state.limit_at) {
    go_overdue(turn, why_not_ended(event));
  } else {
    state.phase = WatchPhase::watching;
  }
  state.answered_at = state.lived;
  if (state.in_flight == 0) state.next_ask_at = state.lived + turn.policy.poll_interval;
}

void take_reply(Turn& turn, const WatchEvent& event) {
  const bool is_ours = event.request_number != 0;
  if (is_ours && event.request_number != turn.state.in_flight) return;
  if (event.status && is_terminal(*event.status)) return report_end(turn, event);
  if (!is_ours) return hear_news(turn, event);
  learn_time(turn, event);
  if (event.status) turn.state.status = *event.status;
  const bool was_failure = event.reason == SyncReason::no_api_key || event.reason == SyncReason::api_error ||
                           event.reason == SyncReason::already_terminal;  // An end without saying which.
  settle_answer(turn, was_failure, why_not_ended(event));
}

/// Asking again would change nothing: who asks, or what for, is wrong. Time-outs and "too early" may pass.
bool is_refusal(int http_status) {
  return http_status >= 400 && http_status < 500 && http_status != 408 && http_status != 425 &&
         http_status != 429;
}

void take_error(Turn& turn, const WatchEvent& event) {
  WatchState& state = turn.state;
  if (event.request_number != state.in_flight || state.in_flight == 0) return;
  const Why why{event.http_status == 0 ? "unreachable" : "refused", event.http_status};
  if (is_refusal(event.http_status)) {
    count_answer(state, true);
    return give_up(turn, why);
  }
  settle_answer(turn, true, why);
  const Duration retry_after = std::clamp(event.retry_after, Duration{}, retry_after_max);
  state.not_before = state.lived + retry_after;
  state.next_ask_at = std::max(state.next_ask_at, state.not_before);
}

void begin(Turn& turn, const WatchEvent& event) {
  WatchState& state = turn.state;
  if (is_watched(state)) return;
  const WatchState before = state;
  state = WatchState{.is_visible = before.is_visible,
                     .is_online = before.is_online,
                     .is_enabled = before.is_enabled,
                     .is_leading = before.is_leading,
                     .request_number = before.request_number,  // An answer to an older watch is not ours.
                     .last_now = before.last_now};
  state.status = event.status.value_or(JobStatus::pending);
  if (is_terminal(state.status)) return end_with(turn, {.kind = Kind::watch, .status = state.status});
  state.phase = WatchPhase::waiting;
  state.next_ask_at = turn.policy.initial_delay;
  state.limit_at = turn.policy.timeout_max;
}

void change_status(Turn& turn, const WatchEvent& event) {
  if (!event.status) return;
  turn.state.status = *event.status;
  if (is_terminal(*event.status)) end_with(turn, event);
}

/// A check as soon as the server may be asked again; who gave up tries once more.
void ask_soon(Turn& turn, Duration earliest) {
  WatchState& state = turn.state;
  if (state.phase == WatchPhase::given_up) {
    state.phase = state.lived >= state.limit_at ? WatchPhase::overdue : WatchPhase::watching;
    state.late_answer_count = std::min(state.late_answer_count, watch_late_answers_max);
    state.next_ask_at = earliest;
  }
  state.next_ask_at = std::max({std::min(state.next_ask_at, earliest), state.not_before, Duration{}});
}

/// A condition of the page came to hold. The first check keeps its time.
void come_back(Turn& turn, bool& condition) {
  if (condition) return;
  condition = true;
  WatchState& state = turn.state;
  if (state.phase == WatchPhase::waiting || pause_of(state) != PauseReason::none) return;
  ask_soon(turn, std::max(state.lived, state.answered_at + watch_rest_min));
}

void go_along(Turn& turn) {
  WatchState& state = turn.state;
  if (state.phase == WatchPhase::waiting || state.next_ask_at > state.lived + watch_together_within) return;
  state.next_ask_at = std::min(state.next_ask_at, std::max(state.lived, state.not_before));
}

/// What holds for the page also holds for a job that is not watched yet.
void apply_to_page(Turn& turn, Kind kind) {
  WatchState& state = turn.state;
  if (kind == Kind::visible) come_back(turn, state.is_visible);
  if (kind == Kind::hidden) state.is_visible = false;
  if (kind == Kind::online) come_back(turn, state.is_online);
  if (kind == Kind::offline) state.is_online = false;
  if (kind == Kind::flag_on) come_back(turn, state.is_enabled);
  if (kind == Kind::flag_off) state.is_enabled = false;
  if (kind == Kind::lead) come_back(turn, state.is_leading);
  if (kind == Kind::follow) state.is_leading = false;
}

void apply_to_job(Turn& turn, const WatchEvent& event) {
  if (event.kind == Kind::watch) return begin(turn, event);
  if (turn.state.phase == WatchPhase::stopped) return;
  if (event.kind == Kind::status_changed) change_status(turn, event);
  if (event.kind == Kind::reply) take_reply(turn, event);
  if (event.kind == Kind::error) take_error(turn, event);
  if (event.kind == Kind::refresh) ask_soon(turn, turn.state.lived);
  if (event.kind == Kind::others_ask) go_along(turn);
  if (event.kind == Kind::stop) leave(turn, WatchPhase::stopped);
}

/// A request without an answer must not hold its job for ever.
void end_lost_request(Turn& turn, const WatchEvent& event) {
  WatchState& state = turn.state;
  const bool is_answer = event.kind == Kind::reply || event.kind == Kind::error;
  if (is_answer && event.request_number == state.in_flight) return;
  if (state.in_flight == 0 || state.lived < state.asked_at + watch_request_time_max) return;
  turn.actions.abort = true;
  take_error(turn, {.kind = Kind::error, .request_number = state.in_flight});
}

void ask(Turn& turn) {
  WatchState& state = turn.state;
  state.in_flight = ++state.request_number;
  state.asked_at = state.lived;
  turn.actions.ask = state.in_flight;
}

/// When to come back, in the machine's own count: for a request, for the next check, or for the limit.
Duration next_wake(const WatchState& state) {
  if (state.in_flight != 0) return state.asked_at + watch_request_time_max;
  if (state.phase == WatchPhase::overdue) return state.next_ask_at;
  // The last word is asked for at the limit, unless the server wants to be left alone.
  return std::min(state.next_ask_at, std::max(state.limit_at, state.not_before));
}

void act_while_watched(Turn& turn) {
  WatchState& state = turn.state;
  if (state.paused != PauseReason::none) {
    if (state.paused == PauseReason::flag_off) drop_request(turn);
    return;
  }
  if (state.in_flight == 0 && state.lived >= next_wake(state)) ask(turn);
  state.wake_at = state.last_now + (next_wake(state) - state.lived);
  turn.actions.wake_at = state.wake_at;
}

}  // namespace

bool has_ended(WatchPhase phase) {
  return phase == WatchPhase::completed || phase == WatchPhase::failed || phase == WatchPhase::cancelled;
}

WatchActions advance(WatchState& state, const WatchEvent& event, WatchMoment moment,
                     const WatchPolicy& policy) {
  WatchActions actions;
  if (has_ended(state.phase)) return actions;
  Turn turn{state, actions, moment, policy};
  const PauseReason paused_before = state.paused;
  pass_time(state, moment.now);
  state.wake_at.reset();
  if (is_watched(state)) end_lost_request(turn, event);
  apply_to_page(turn, event.kind);
  apply_to_job(turn, event);
  state.paused = pause_of(state);
  if (is_watched(state)) {
    if (state.paused != paused_before) actions.paused = state.paused;
    act_while_watched(turn);
  }
  return actions;
}

WatchStep step(const WatchState& state, const WatchEvent& event, WatchMoment moment,
               const WatchPolicy& policy) {
  WatchStep next{state, {}};
  next.actions = advance(next.state, event, moment, policy);
  return next;
}

}  // namespace jobwatchdog
