// When a failing server is left alone, and when it is tried again.
#include "core/circuit_breaker.hpp"

#include <algorithm>

#include "core/require.hpp"

namespace jobwatchdog {

using State = CircuitBreaker::State;

bool let_through(CircuitBreaker& breaker, Instant now) {
  if (breaker.state == State::closed) return true;
  if (breaker.state == State::half_open || now < breaker.open_until) return false;
  breaker.state = State::half_open;
  return true;
}

void note_success(CircuitBreaker& breaker) { breaker = {}; }

void note_failure(CircuitBreaker& breaker, Instant now, int jitter_permille, const CircuitPolicy& policy) {
  require(policy.failures_to_open >= 1, "a circuit opens after at least one failure");
  if (breaker.state == State::open) return;
  ++breaker.failure_count;
  if (breaker.state == State::closed && breaker.failure_count < policy.failures_to_open) return;
  ++breaker.opening_count;
  breaker.state = State::open;
  breaker.failure_count = 0;
  breaker.open_until = now + backoff_delay(breaker.opening_count, jitter_permille, policy.rest);
}

Duration rest_left(const CircuitBreaker& breaker, Instant now, const CircuitPolicy& policy) {
  if (breaker.state == State::closed) return {};
  if (breaker.state == State::half_open) return policy.rest.delay_min;
  return std::max(Duration{}, breaker.open_until - now);
}

}  // namespace jobwatchdog
