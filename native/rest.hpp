/// Resting before another try: the one place that draws a random number and sleeps.
#pragma once

namespace jobwatchdog {

/// Sleeps for the backoff that follows `failed_attempt_count` failures, with full jitter. Source:
/// invariants.md R8.
void rest_before_retry(int failed_attempt_count);

}  // namespace jobwatchdog
