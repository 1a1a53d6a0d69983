// The policy of each tool, with the flags' numbers.
#include "native/life/watch_policies.hpp"

#include "native/log.hpp"

namespace jobwatchdog {

void WatchPolicies::refresh(Connection& connection) {
  if (since_reading_ && since_reading_->elapsed() < flags_are_read_every) return;
  since_reading_.emplace();
  Outcome<Flags> flags = Flags::open(connection, configuration_);
  if (!flags.ok()) {
    log(LogLevel::warning,
        "the flags cannot be read: " + flags.error().problems.front().what +
            (flags_ ? "; what they said before holds" : "; no job is watched until they can be"));
    return;
  }
  flags_.emplace(std::move(flags.value()));
  policies_.clear();
}

ToolPolicy WatchPolicies::policy_of(const std::string& tool) {
  if (!flags_) return {false, configuration_.policy.watch};
  const auto known = policies_.find(tool);
  if (known != policies_.end()) return known->second;
  Policy policy = policy_with_flags(configuration_.policy, *flags_, {"", tool, ""});
  policy.watch.retry_delay_min = provider_is_asked_again_after;
  return policies_.emplace(tool, ToolPolicy{policy.watchdog_enabled, policy.watch}).first->second;
}

}  // namespace jobwatchdog
