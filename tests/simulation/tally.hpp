/// What happened over all worlds of a run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/time.hpp"

namespace jobwatchdog::test {

/// How long it took from the end of a task whose webhook was lost to its job's end.
struct TruthTimes {
  std::vector<Duration> from_end;
  std::vector<Duration> from_answer;  ///< The same, but not before the provider talked to the account again.
};

struct Tally {
  std::map<std::string, std::int64_t> happened;
  std::map<std::string, TruthTimes> truth;  ///< By the kind of worlds; only those in which jobs are watched.
  std::int64_t simulated_ms{0};
  std::int64_t worlds{0};
};

/// What must have happened often enough in a long run, by name.
[[nodiscard]] const std::vector<std::string>& kinds_of_faults();

/// Of times in order, at least one.
[[nodiscard]] Duration quantile(const std::vector<Duration>& sorted, std::size_t permille);

/// The tally for people.
[[nodiscard]] std::string tally_text(const Tally& tally);

}  // namespace jobwatchdog::test
