/// The last sweep as metrics.
#pragma once

#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/configuration.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

/// Writes them to a file. A failed sweep keeps the last success of the file before it: an alert on its age
/// then works.
[[nodiscard]] std::optional<Problem> write_sweep_metrics(const std::string& path, const SweepResult& result,
                                                         const Configuration& configuration);

}  // namespace jobwatchdog
