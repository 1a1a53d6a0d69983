/// The last sweep as a Prometheus text file, for node_exporter's textfile collector.
#pragma once

#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/configuration.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

/// Writes the file beside itself first and renames it, so that no reader sees half of it.
/** A failed sweep keeps the last success of the file before it: an alert on its age then works. */
[[nodiscard]] std::optional<Problem> write_metrics_file(const std::string& path, const SweepResult& result,
                                                        const Configuration& configuration);

}  // namespace jobwatchdog
