/// What nodes did and what is at work, as metrics.
#pragma once

#include <optional>
#include <string>

#include "core/problem.hpp"
#include "native/connection_pool.hpp"
#include "native/life/reconciler.hpp"

namespace jobwatchdog {

/// The text that a node's /metrics answers: its counters since it began, and what the database says of jobs,
/// slots and orphans at this moment. Without the database: the counters alone, and watchdog_database_up 0.
[[nodiscard]] std::string node_metrics(const ReconcileCounts& counts, ConnectionPool& connections);

/// Adds the counters of one pass to those of the file, which stays a counter over many passes.
/** A pass that failed keeps the last success of the file before it. */
[[nodiscard]] std::optional<Problem> write_reconcile_metrics(const std::string& path,
                                                             const ReconcileCounts& counts, bool was_good);

}  // namespace jobwatchdog
