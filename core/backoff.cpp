// The length of a rest: doubling, capped, shrunk by the caller's draw.
#include "core/backoff.hpp"

#include <algorithm>
#include <cstdint>

#include "core/require.hpp"

namespace jobwatchdog {

Duration backoff_delay(int failed_attempt_count, int jitter_permille, const BackoffPolicy& policy) {
  require(failed_attempt_count >= 1, "a backoff follows at least one failure");
  require(policy.delay_min.ms >= 1 && policy.delay_max >= policy.delay_min,
          "a backoff policy has 1 <= min <= max");
  require(jitter_permille >= 0 && jitter_permille <= policy.jitter_permille_max,
          "a jitter draw is inside its policy");
  std::int64_t delay_ms = policy.delay_min.ms;
  for (int doubled = 1; doubled < failed_attempt_count && delay_ms < policy.delay_max.ms; ++doubled)
    delay_ms *= 2;
  delay_ms = std::min(delay_ms, policy.delay_max.ms);
  return {std::max<std::int64_t>(1, delay_ms - delay_ms * jitter_permille / 1000)};
}

}  // namespace jobwatchdog
