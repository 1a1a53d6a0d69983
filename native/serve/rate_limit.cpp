// Token buckets that remember one time each.
#include "native/serve/rate_limit.hpp"

#include <algorithm>

namespace jobwatchdog {
namespace {

constexpr Duration sweep_period = seconds(10);

}  // namespace

RateLimit::RateLimit(int per_minute, std::function<Duration()> clock)
    : per_minute_(per_minute), clock_(std::move(clock)) {}

std::optional<Duration> RateLimit::take(const std::string& caller, int factor) {
  if (per_minute_ == 0) return std::nullopt;
  const Duration one_token = milliseconds(60'000 / (std::int64_t{per_minute_} * factor));
  const Duration whole_bucket = seconds(30);
  const std::lock_guard lock{mutex_};
  const Duration now = clock_();
  forget_full_buckets(now);
  Duration& full_at = full_at_[caller];
  const Duration then_full_at = std::max(full_at, now) + one_token;
  if (then_full_at > now + whole_bucket) return then_full_at - now - whole_bucket;
  full_at = then_full_at;
  return std::nullopt;
}

std::size_t RateLimit::size() {
  const std::lock_guard lock{mutex_};
  return full_at_.size();
}

/// A full bucket is as good as none. So the map never holds more callers than asked in the last minute.
void RateLimit::forget_full_buckets(Duration now) {
  if (now - swept_at_ < sweep_period) return;
  swept_at_ = now;
  std::erase_if(full_at_, [now](const auto& bucket) { return bucket.second <= now; });
}

}  // namespace jobwatchdog
