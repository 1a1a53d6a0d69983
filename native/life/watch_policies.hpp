/// How the jobs of each tool are watched at this moment: the policy with the flags' numbers, read again now
/// and then.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "core/policy.hpp"
#include "native/configuration.hpp"
#include "native/flags.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {

struct ToolPolicy {
  bool is_watched{true};  ///< false: only jobs whose webhook rang are asked about.
  WatchPolicy watch;
};

/// A change of a flag is obeyed within this time.
inline constexpr Duration flags_are_read_every = seconds(5);

/// A node asks again soon after a bad answer: nodes are few, and a lost webhook must not wait for a page's
/// patience.
inline constexpr Duration provider_is_asked_again_after = seconds(2);

class WatchPolicies {
 public:
  explicit WatchPolicies(const Configuration& configuration) : configuration_(configuration) {}

  /// Reads the flags when it is time to. When they cannot be read, what they said before holds; at first,
  /// that nobody is watched.
  void refresh(Connection& connection);
  [[nodiscard]] ToolPolicy policy_of(const std::string& tool);

 private:
  const Configuration& configuration_;
  std::optional<Flags> flags_;
  std::map<std::string, ToolPolicy> policies_;
  std::optional<Stopwatch> since_reading_;
};

}  // namespace jobwatchdog
