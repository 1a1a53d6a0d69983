// The known flags; their numbers are those of Policy.
#include "core/flag_registry.hpp"

#include <array>

#include "core/policy.hpp"

namespace jobwatchdog {
namespace {

constexpr Policy defaults;

/// Below a second the watchdog would be a hot loop; above a week it is a slip of the unit.
constexpr KnownFlag duration_flag(std::string_view name, Duration code_default, std::string_view meaning) {
  return {name, FlagType::number, code_default.ms, code_default.ms, seconds(1).ms, minutes(7LL * 24 * 60).ms,
          "ms", meaning};
}

constexpr KnownFlag boolean_flag(std::string_view name, bool code_default, std::string_view meaning) {
  return {name, FlagType::boolean, code_default ? 1 : 0, 0, 0, 1, "", meaning};
}

constexpr std::array<KnownFlag, 5> flags{{
    boolean_flag("WATCHDOG_ENABLED", defaults.watchdog_enabled,
                 "whether single jobs are watched: by pages, and by the server's own passes"),
    duration_flag("WATCHDOG_INITIAL_DELAY_MS", defaults.watch.initial_delay,
                  "rest before the first check of a job"),
    duration_flag("WATCHDOG_POLL_INTERVAL_MS", defaults.watch.poll_interval, "rest between checks"),
    duration_flag("WATCHDOG_MAX_TIMEOUT_MS", defaults.watch.timeout_max, "the hard deadline of one job"),
    boolean_flag("WATCHDOG_SWEEP_ENABLED", true, "whether `jobwatchdog sweep` sweeps"),
}};

}  // namespace

std::span<const KnownFlag> known_flags() { return flags; }

const KnownFlag* find_flag(std::string_view name) {
  for (const KnownFlag& flag : flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

std::vector<std::string> flag_names() {
  std::vector<std::string> names;
  for (const KnownFlag& flag : flags) names.emplace_back(flag.name);
  return names;
}

std::string flag_value_text(const FlagValue& value) {
  if (value.type == FlagType::number) return std::to_string(value.number);
  return value.is_on() ? "true" : "false";
}

}  // namespace jobwatchdog
