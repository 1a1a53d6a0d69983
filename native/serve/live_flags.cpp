// Flags for many threads.
#include "native/serve/live_flags.hpp"

#include "native/life/watch_policies.hpp"
#include "native/log.hpp"

namespace jobwatchdog {

std::shared_ptr<const Flags> LiveFlags::get() {
  {
    const std::lock_guard lock{mutex_};
    const bool is_fresh = since_reading_ && since_reading_->elapsed() < flags_are_read_every;
    if (flags_ && is_fresh) return flags_;
    since_reading_.emplace();  // Whoever comes while this thread reads takes what was known before.
  }
  const Outcome<Flags> read = connections_->lend<Outcome<Flags>>(
      [&](Connection& connection) { return Flags::open(connection, configuration_); },
      [](const DatabaseError& error) { return failure_of("reading the flags", error); });
  const std::lock_guard lock{mutex_};
  if (read.ok()) {
    flags_ = std::make_shared<const Flags>(read.value());
    return flags_;
  }
  log(LogLevel::warning, "the flags cannot be read: " + read.error().problems.front().what);
  if (flags_) return flags_;
  Flags unknown = Flags::of(configuration_.flags);
  unknown.miss_table(read.error().problems.front().what);
  return std::make_shared<const Flags>(std::move(unknown));
}

void LiveFlags::forget() {
  const std::lock_guard lock{mutex_};
  since_reading_.reset();
}

}  // namespace jobwatchdog
