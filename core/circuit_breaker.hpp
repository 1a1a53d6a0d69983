/// A circuit breaker: a server that fails again and again is left alone for a while, then tried with one
/// call.
///
/// No clock and no randomness in here: `now` is the caller's, of any clock that never goes back, and so is
/// the draw.
#pragma once

#include "core/backoff.hpp"
#include "core/time.hpp"

namespace jobwatchdog {

struct CircuitPolicy {
  int failures_to_open{5};                           ///< In a row. At least 1.
  BackoffPolicy rest{seconds(1), seconds(60), 500};  ///< Grows with each opening that follows on another.
};

/// A closed circuit lets everything through, an open one nothing, a half-open one a single call, which
/// decides.
struct CircuitBreaker {
  enum class State { closed, open, half_open };

  State state{State::closed};
  int failure_count{0};  ///< In a row, while closed.
  int opening_count{0};  ///< In a row, without a success in between.
  Instant open_until{};  ///< Of an open one.

  bool operator==(const CircuitBreaker&) const = default;
};

/// Whether a call may go out now. A yes is a promise to note how it ended: an open circuit whose rest is over
/// becomes half-open by it.
[[nodiscard]] bool let_through(CircuitBreaker& breaker, Instant now);

/// A call was answered, however late: the server lives.
void note_success(CircuitBreaker& breaker);

/// A call failed. Those that were under way when it opened change nothing.
/** Units:  `jitter_permille` is drawn by the caller, as backoff_delay() wants it. */
void note_failure(CircuitBreaker& breaker, Instant now, int jitter_permille, const CircuitPolicy& policy);

/// How long it lets nothing through, at `now`: 0 of a closed one; of a half-open one the shortest rest.
[[nodiscard]] Duration rest_left(const CircuitBreaker& breaker, Instant now, const CircuitPolicy& policy);

}  // namespace jobwatchdog
