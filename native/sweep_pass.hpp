/// One whole sweep, as cron runs it and as a node does by itself: what it needs is opened, the flag asked,
/// the lock taken.
#pragma once

#include <memory>

#include "native/provider/provider.hpp"
#include "native/sweep.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

/// What a sweep works with.
struct OpenedSweep {
  Connection connection;
  SchemaState schema;
  std::unique_ptr<Provider> provider;  ///< Nothing: no rule wants one, or nobody has a key.
};

/// Connects, looks at the schema, and lets the rules watch the tools that were added to it.
[[nodiscard]] Outcome<OpenedSweep> open_sweep(const GlobalOptions& global, Configuration& configuration);

/// Asks the flag whether sweeps are on, takes the lock that tells sweeps of each other, and sweeps.
/** Without the lock it works beside the other one, or with `fail_if_locked` is a failure (locked). */
[[nodiscard]] Outcome<SweepResult> run_sweep_pass(const GlobalOptions& global,
                                                  const Configuration& configuration, OpenedSweep& opened,
                                                  SweepOptions options, bool fail_if_locked);

}  // namespace jobwatchdog
