// The watchdog of one job: its laws over random sequences of events and clocks that jump, and machines with a
// fault that the same laws must catch.
#include "core/watch.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <vector>

#include "tests/property/property.hpp"

namespace jobwatchdog::test {
namespace {

using Kind = WatchEvent::Kind;
using Report = WatchReport::Kind;

/// step(), or a machine with a fault in its place.
using Machine =
    std::function<WatchStep(const WatchState&, const WatchEvent&, WatchMoment, const WatchPolicy&)>;

struct Played {
  WatchEvent event;
  Instant now;
  WatchStep step;
};

constexpr int usual_count = 1'500;

/// How far the caller's clock moves before an event: mostly to the wake-up that was asked for, sometimes
/// anywhere.
Instant next_now(Instant now, const WatchState& state) {
  const int choice = *rc::gen::inRange(0, 10);
  if (choice < 5 && state.wake_at && *state.wake_at > now) return *state.wake_at;
  if (choice == 9) return now + milliseconds(*rc::gen::inRange<std::int64_t>(-100'000'000, 100'000'000));
  return now + milliseconds(*rc::gen::inRange<std::int64_t>(0, 20'000));
}

WatchEvent random_event(const WatchState& state, Instant now) {
  WatchEvent event;
  event.kind = static_cast<Kind>(*rc::gen::weightedElement<int>({{1, static_cast<int>(Kind::watch)},
                                                                 {2, static_cast<int>(Kind::status_changed)},
                                                                 {12, static_cast<int>(Kind::tick)},
                                                                 {8, static_cast<int>(Kind::reply)},
                                                                 {5, static_cast<int>(Kind::error)},
                                                                 {2, static_cast<int>(Kind::visible)},
                                                                 {1, static_cast<int>(Kind::hidden)},
                                                                 {2, static_cast<int>(Kind::online)},
                                                                 {1, static_cast<int>(Kind::offline)},
                                                                 {2, static_cast<int>(Kind::flag_on)},
                                                                 {1, static_cast<int>(Kind::flag_off)},
                                                                 {2, static_cast<int>(Kind::lead)},
                                                                 {1, static_cast<int>(Kind::follow)},
                                                                 {1, static_cast<int>(Kind::refresh)},
                                                                 {1, static_cast<int>(Kind::others_ask)},
                                                                 {1, static_cast<int>(Kind::stop)}}));
  if (event.kind == Kind::watch || event.kind == Kind::status_changed) {
    event.status = *rc::gen::weightedElement<JobStatus>(
        {{8, JobStatus::running}, {4, JobStatus::queued}, {1, JobStatus::completed}, {1, JobStatus::failed}});
  }
  if (event.kind != Kind::reply && event.kind != Kind::error) return event;
  event.request_number =
      *rc::gen::weightedElement<int>({{8, state.in_flight}, {1, 0}, {1, state.request_number - 1}});
  event.reason = static_cast<SyncReason>(*rc::gen::inRange(0, 6));
  event.server_now = now + milliseconds(*rc::gen::inRange<std::int64_t>(-5'000, 2'000'000));
  if (*rc::gen::inRange(0, 3) == 0)
    event.deadline_at = *event.server_now + seconds(*rc::gen::inRange(-60, 900));
  if (event.kind == Kind::reply && *rc::gen::inRange(0, 12) == 0) event.status = JobStatus::completed;
  event.http_status = *rc::gen::element(0, 0, 0, 429, 500, 503, 401);
  event.retry_after = seconds(*rc::gen::element(0, 0, 0, 30, 7200));
  return event;
}

/// A watch from its beginning through 1 to 80 events.
std::vector<Played> play(const Machine& machine) {
  const WatchPolicy policy{seconds(*rc::gen::inRange(1, 60)), seconds(*rc::gen::inRange(1, 90)), minutes(12)};
  std::vector<Played> played;
  WatchState state;
  Instant now{*rc::gen::inRange<std::int64_t>(-1'000'000, 1'000'000'000)};
  const int count = *rc::gen::inRange(1, 80);
  for (int i = 0; i < count; ++i) {
    now = i == 0 ? now : next_now(now, state);
    const WatchEvent event =
        i == 0 ? WatchEvent{.kind = Kind::watch, .status = JobStatus::running} : random_event(state, now);
    played.push_back({event, now, machine(state, event, {now, *rc::gen::inRange(0, 1001)}, policy)});
    state = played.back().step.state;
  }
  return played;
}

bool is_end(const std::optional<WatchReport>& report) {
  return report && (report->kind == Report::completed || report->kind == Report::failed ||
                    report->kind == Report::cancelled);
}

bool does_something(const WatchActions& actions) {
  return actions.abort || actions.report || actions.paused || actions.ask != 0 || actions.wake_at;
}

/// A law over one play, broken by one fault at least.
using Law = void (*)(const std::vector<Played>&);

void at_most_one_request_is_under_way(const std::vector<Played>& played) {
  int under_way = 0;
  for (const Played& turn : played) {
    const bool is_answer = turn.event.kind == Kind::reply || turn.event.kind == Kind::error;
    if (turn.step.actions.abort || (is_answer && turn.event.request_number == under_way)) under_way = 0;
    if (turn.step.actions.ask == 0) continue;
    RC_ASSERT(under_way == 0);
    under_way = turn.step.actions.ask;
  }
}

void an_end_is_told_at_most_once(const std::vector<Played>& played) {
  int told_count = 0;
  for (const Played& turn : played) told_count += is_end(turn.step.actions.report) ? 1 : 0;
  RC_ASSERT(told_count <= 1);
}

void overdue_and_giving_up_are_told_once_a_watch(const std::vector<Played>& played) {
  int overdue_count = 0;
  int given_up_count = 0;
  for (const Played& turn : played) {
    if (turn.event.kind == Kind::stop) overdue_count = given_up_count = 0;
    const auto& report = turn.step.actions.report;
    // A watch that begins after giving up is a new one.
    if (turn.event.kind == Kind::watch && turn.step.state.answer_count == 0)
      overdue_count = given_up_count = 0;
    overdue_count += report && report->kind == Report::overdue ? 1 : 0;
    given_up_count += report && report->kind == Report::given_up ? 1 : 0;
    RC_ASSERT(overdue_count <= 1);
    RC_ASSERT(given_up_count <= 1);
  }
}

void no_wake_up_lies_in_the_past(const std::vector<Played>& played) {
  for (const Played& turn : played)
    if (turn.step.actions.wake_at) RC_ASSERT(*turn.step.actions.wake_at > turn.now);
}

void nothing_is_done_after_stop_or_an_end(const std::vector<Played>& played) {
  bool is_over = false;
  for (const Played& turn : played) {
    if (turn.event.kind == Kind::watch && turn.step.state.phase != WatchPhase::stopped &&
        !has_ended(turn.step.state.phase))
      is_over = false;
    if (is_over) RC_ASSERT(!does_something(turn.step.actions));
    if (turn.event.kind == Kind::stop || has_ended(turn.step.state.phase)) is_over = true;
  }
}

void nobody_asks_and_no_timer_runs_while_paused(const std::vector<Played>& played) {
  for (const Played& turn : played) {
    if (turn.step.state.paused == PauseReason::none) continue;
    RC_ASSERT(turn.step.actions.ask == 0);
    RC_ASSERT(!turn.step.actions.wake_at);
  }
}

void a_watch_that_is_not_paused_always_comes_back(const std::vector<Played>& played) {
  for (const Played& turn : played) {
    const WatchPhase phase = turn.step.state.phase;
    const bool is_watched =
        phase == WatchPhase::waiting || phase == WatchPhase::watching || phase == WatchPhase::overdue;
    if (is_watched && turn.step.state.paused == PauseReason::none)
      RC_ASSERT(turn.step.actions.wake_at.has_value());
  }
}

void an_end_stays_an_end(const std::vector<Played>& played) {
  for (std::size_t i = 1; i < played.size(); ++i)
    if (has_ended(played[i - 1].step.state.phase))
      RC_ASSERT(played[i].step.state.phase == played[i - 1].step.state.phase);
}

struct NamedLaw {
  const char* name;
  Law law;
};

constexpr NamedLaw laws[] = {
    {"at_most_one_request_is_under_way", at_most_one_request_is_under_way},
    {"an_end_is_told_at_most_once", an_end_is_told_at_most_once},
    {"overdue_and_giving_up_are_told_once_a_watch", overdue_and_giving_up_are_told_once_a_watch},
    {"no_wake_up_lies_in_the_past", no_wake_up_lies_in_the_past},
    {"nothing_is_done_after_stop_or_an_end", nothing_is_done_after_stop_or_an_end},
    {"nobody_asks_and_no_timer_runs_while_paused", nobody_asks_and_no_timer_runs_while_paused},
    {"a_watch_that_is_not_paused_always_comes_back", a_watch_that_is_not_paused_always_comes_back},
    {"an_end_stays_an_end", an_end_stays_an_end}};

class watch : public testing::TestWithParam<NamedLaw> {};

TEST_P(watch, law) {
  const Law law = GetParam().law;
  expect_holds([law] { law(play(step)); }, usual_count);
}
INSTANTIATE_TEST_SUITE_P(, watch, testing::ValuesIn(laws),
                         [](const auto& tested) { return tested.param.name; });

/// A fault, and the law that must catch it.
struct Fault {
  const char* name;
  Law law;
  Machine machine;
};

/// The machine with the state changed before each step.
Machine before(const std::function<void(WatchState&, const WatchEvent&)>& change) {
  return [change](WatchState state, const WatchEvent& event, WatchMoment moment, const WatchPolicy& policy) {
    change(state, event);
    return step(state, event, moment, policy);
  };
}

/// The machine with its result changed.
Machine after(const std::function<void(WatchStep&, WatchMoment)>& change) {
  return [change](const WatchState& state, const WatchEvent& event, WatchMoment moment,
                  const WatchPolicy& policy) {
    WatchStep next = step(state, event, moment, policy);
    change(next, moment);
    return next;
  };
}

std::vector<Fault> faults() {
  return {
      {"a_status_forgets_the_request", at_most_one_request_is_under_way,
       before([](WatchState& state, const WatchEvent& event) {
         if (event.kind == Kind::status_changed) state.in_flight = 0;
       })},
      {"an_end_is_forgotten", an_end_is_told_at_most_once, before([](WatchState& state, const WatchEvent&) {
         if (has_ended(state.phase)) state.phase = WatchPhase::watching;
       })},
      {"telling_is_forgotten", overdue_and_giving_up_are_told_once_a_watch,
       before([](WatchState& state, const WatchEvent&) {
         state.overdue_was_told = state.giving_up_was_told = false;
       })},
      {"the_timer_is_early", no_wake_up_lies_in_the_past, after([](WatchStep& next, WatchMoment moment) {
         if (next.actions.wake_at) next.actions.wake_at = moment.now;
       })},
      {"stop_is_forgotten", nothing_is_done_after_stop_or_an_end,
       before([](WatchState& state, const WatchEvent&) {
         if (state.phase == WatchPhase::stopped) state.phase = WatchPhase::watching;
       })},
      {"the_timer_runs_on_while_paused", nobody_asks_and_no_timer_runs_while_paused,
       after([](WatchStep& next, WatchMoment moment) {
         if (next.state.paused == PauseReason::hidden) next.actions.wake_at = moment.now + seconds(15);
       })},
      {"the_timer_is_lost", a_watch_that_is_not_paused_always_comes_back,
       after([](WatchStep& next, WatchMoment) {
         if (next.state.failure_count > 3) next.actions.wake_at.reset();
       })},
      {"an_end_changes", an_end_stays_an_end, before([](WatchState& state, const WatchEvent& event) {
         if (state.phase == WatchPhase::failed && event.kind == Kind::reply)
           state.phase = WatchPhase::completed;
       })}};
}

class watch_fault : public testing::TestWithParam<Fault> {};

TEST_P(watch_fault, is_noticed) {
  const Fault& fault = GetParam();
  expect_caught(
      fault.name, [&fault] { fault.law(play(fault.machine)); }, usual_count);
}
INSTANTIATE_TEST_SUITE_P(, watch_fault, testing::ValuesIn(faults()),
                         [](const auto& tested) { return std::string{tested.param.name}; });

}  // namespace
}  // namespace jobwatchdog::test
