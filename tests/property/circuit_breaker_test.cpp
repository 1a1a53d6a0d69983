// The circuit breaker over random histories of calls: it rests as long as it must, tries again with one call,
// and never stays shut for good.
#include "core/circuit_breaker.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/property/property.hpp"

namespace jobwatchdog::test {
namespace {

using State = CircuitBreaker::State;

constexpr int usual_count = 500;

/// A breaker that may be the wrong one.
struct Machine {
  bool (*let_through)(CircuitBreaker&, Instant){jobwatchdog::let_through};
  void (*note_failure)(CircuitBreaker&, Instant, int, const CircuitPolicy&){jobwatchdog::note_failure};
};

/// What has happened so far, told without looking into the breaker.
struct History {
  CircuitPolicy policy{};
  Instant now{1'000};
  int failures_in_row{0};
  bool is_shut{false};
  Instant shut_at{};
};

CircuitPolicy any_policy() {
  CircuitPolicy policy;
  policy.failures_to_open = *rc::gen::inRange(1, 6);
  policy.rest.delay_min = milliseconds(*rc::gen::inRange(1, 2'000));
  policy.rest.delay_max = policy.rest.delay_min + milliseconds(*rc::gen::inRange(0, 60'000));
  return policy;
}

void fail(const Machine& machine, CircuitBreaker& breaker, History& history) {
  const bool was_probe = history.is_shut;
  machine.note_failure(breaker, history.now,
                       *rc::gen::inRange(0, history.policy.rest.jitter_permille_max + 1), history.policy);
  ++history.failures_in_row;
  if (was_probe || history.failures_in_row >= history.policy.failures_to_open) {
    history.is_shut = true;
    history.shut_at = history.now;
  }
}

/// One call after another: passes or not, and then succeeds or fails.
void play_calls_in_turn(const Machine& machine) {
  History history;
  history.policy = any_policy();
  CircuitBreaker breaker;
  const int call_count = *rc::gen::inRange(1, 60);
  for (int call = 0; call < call_count; ++call) {
    history.now = history.now + milliseconds(*rc::gen::inRange(0, 5'000));
    const bool passes = machine.let_through(breaker, history.now);
    const Duration rested = history.now - history.shut_at;
    if (!history.is_shut) RC_ASSERT(passes);
    if (history.is_shut && rested.ms * 2 + 1 < history.policy.rest.delay_min.ms) RC_ASSERT(!passes);
    if (history.is_shut && rested >= history.policy.rest.delay_max) RC_ASSERT(passes);
    if (!passes) {
      RC_ASSERT(rest_left(breaker, history.now, history.policy).ms > 0);
      RC_ASSERT(rest_left(breaker, history.now, history.policy) <= history.policy.rest.delay_max);
      continue;
    }
    if (*rc::gen::inRange(0, 3) != 0) {
      fail(machine, breaker, history);
    } else {
      note_success(breaker);
      history.is_shut = false;
      history.failures_in_row = 0;
    }
  }
}

/// While the one call that tries is under way, nothing else goes through, however long it takes.
void play_one_probe(const Machine& machine) {
  const CircuitPolicy policy = any_policy();
  CircuitBreaker breaker;
  for (int i = 0; i < policy.failures_to_open; ++i) machine.note_failure(breaker, Instant{0}, 0, policy);
  RC_ASSERT(!machine.let_through(breaker, Instant{0}));
  const Instant later{policy.rest.delay_max.ms};
  RC_ASSERT(machine.let_through(breaker, later));
  RC_ASSERT(!machine.let_through(breaker, later + milliseconds(*rc::gen::inRange(0, 1'000'000))));
}

/// Failures of calls that were under way when it opened make the rest no longer.
void play_late_failures(const Machine& machine) {
  const CircuitPolicy policy = any_policy();
  CircuitBreaker breaker;
  for (int i = 0; i < policy.failures_to_open; ++i) machine.note_failure(breaker, Instant{0}, 0, policy);
  const CircuitBreaker opened = breaker;
  machine.note_failure(breaker, Instant{policy.rest.delay_min.ms - 1}, 0, policy);
  RC_ASSERT((breaker == opened));
}

TEST(circuit_breaker, calls_in_turn) {
  expect_holds([] { play_calls_in_turn({}); }, usual_count);
}
TEST(circuit_breaker, one_call_decides) {
  expect_holds([] { play_one_probe({}); }, usual_count);
}
TEST(circuit_breaker, late_failures_change_nothing) {
  expect_holds([] { play_late_failures({}); }, usual_count);
}

TEST(circuit_breaker, each_opening_in_a_row_rests_twice_as_long_and_a_success_forgets_them) {
  const CircuitPolicy policy{2, {seconds(1), seconds(5), 0}};
  CircuitBreaker breaker;
  Instant now{0};
  note_failure(breaker, now, 0, policy);
  for (const int rest : {1, 2, 4, 5, 5}) {
    note_failure(breaker, now, 0, policy);
    EXPECT_EQ(rest_left(breaker, now, policy), seconds(rest));
    now = now + seconds(rest);
    EXPECT_TRUE(let_through(breaker, now));
    EXPECT_EQ(breaker.state, State::half_open);
  }
  note_success(breaker);
  note_failure(breaker, now, 0, policy);
  EXPECT_TRUE(let_through(breaker, now)) << "one failure of two";
  note_failure(breaker, now, 0, policy);
  EXPECT_EQ(rest_left(breaker, now, policy), seconds(1));
}

// The twins: breakers that are wrong in one way each.

bool lets_all_through(CircuitBreaker& breaker, Instant now) {
  static_cast<void>(let_through(breaker, now));
  return true;
}
bool lets_nothing_through_twice(CircuitBreaker& breaker, Instant /*now*/) {
  return breaker.state == State::closed;
}
bool forgets_the_one_that_tries(CircuitBreaker& breaker, Instant now) {
  return breaker.state == State::closed || now >= breaker.open_until;
}
void opens_a_failure_late(CircuitBreaker& breaker, Instant now, int jitter, const CircuitPolicy& policy) {
  CircuitPolicy later = policy;
  ++later.failures_to_open;
  note_failure(breaker, now, jitter, later);
}
void prolongs_by_late_failures(CircuitBreaker& breaker, Instant now, int jitter,
                               const CircuitPolicy& policy) {
  if (breaker.state == State::open) breaker.open_until = now + policy.rest.delay_min;
  note_failure(breaker, now, jitter, policy);
}

TEST(circuit_breaker_twin, wrong_breakers_are_caught) {
  expect_caught(
      "it lets all through", [] { play_calls_in_turn({lets_all_through}); }, usual_count);
  expect_caught(
      "it stays shut", [] { play_calls_in_turn({lets_nothing_through_twice}); }, usual_count);
  expect_caught(
      "two try at once", [] { play_one_probe({forgets_the_one_that_tries}); }, usual_count);
  expect_caught(
      "it opens late",
      [] {
        play_one_probe({let_through, opens_a_failure_late});
      },
      usual_count);
  expect_caught(
      "it rests longer",
      [] {
        play_late_failures({let_through, prolongs_by_late_failures});
      },
      usual_count);
}

}  // namespace
}  // namespace jobwatchdog::test
