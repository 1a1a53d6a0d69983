/// How often one caller may ask: a token bucket for each, so that nobody's loop takes the others' turn.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/time.hpp"

namespace jobwatchdog {

class RateLimit {
 public:
  /// `per_minute` requests of one caller in the long run, half of them at once; 0 = as many as it likes.
  /// `clock` gives the time since any fixed moment.
  RateLimit(int per_minute, std::function<Duration()> clock);

  /// Counts one request of `caller`, whose share is `factor` times the usual. Nothing when it may pass, else
  /// the time until it may. A request that may not is not counted. Implements the generic cell rate algorithm
  /// (ITU-T I.371): of a bucket it keeps only the time at which it will be full again. Source: invariants.md
  /// S16.
  [[nodiscard]] std::optional<Duration> take(const std::string& caller, int factor = 1);

  /// Of how many callers something is kept.
  [[nodiscard]] std::size_t size();

 private:
  void forget_full_buckets(Duration now);

  int per_minute_;
  std::function<Duration()> clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Duration> full_at_;
  Duration swept_at_{};
};

}  // namespace jobwatchdog
