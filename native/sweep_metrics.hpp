/// The last sweep as metrics.
#pragma once

#include <prometheus/registry.h>

#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/configuration.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

/// Adds them to a registry. `last_success_s` is when the last sweep without trouble before this one ended, in
/// seconds since 1970; gives when the last one did now.
double add_sweep_metrics(prometheus::Registry& registry, const SweepResult& result,
                         const Configuration& configuration, double last_success_s);

/// Writes them to a file. A failed sweep keeps the last success of the file before it: an alert on its age
/// then works.
[[nodiscard]] std::optional<Problem> write_sweep_metrics(const std::string& path, const SweepResult& result,
                                                         const Configuration& configuration);

}  // namespace jobwatchdog
