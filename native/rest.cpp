// Resting before another try.
#include "native/rest.hpp"

#include <chrono>
#include <random>
#include <thread>

#include "core/backoff.hpp"

namespace jobwatchdog {

void rest_before_retry(int failed_attempt_count) {
  static thread_local std::mt19937 generator{std::random_device{}()};
  const BackoffPolicy policy{milliseconds(20), seconds(2), 1000};
  std::uniform_int_distribution<int> draw{0, policy.jitter_permille_max};
  std::this_thread::sleep_for(
      std::chrono::milliseconds{backoff_delay(failed_attempt_count, draw(generator), policy).ms});
}

}  // namespace jobwatchdog
