/// The sweep: one bounded pass over all rules. Any number may run at once; killed at any instruction it loses
/// nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "native/configuration.hpp"
#include "native/database.hpp"
#include "native/history.hpp"
#include "native/provider/provider.hpp"
#include "native/sweep_result.hpp"

namespace jobwatchdog {

struct SweepOptions {
  std::string only_rule;  ///< "" = all.
  bool dry_run{false};
  bool show_progress{false};
  std::string switched_off_by;  ///< Who says so; not empty: only a dry run looks, and nothing is settled.
  int batch_size{1'000};
  Duration duration_max{minutes(4)};
  Provider* provider{nullptr};  ///< Nothing: nobody is asked, and the hard deadline decides.
};

/// Runs the pass: for each table take a page of stuck rows, decide, settle; then the next page, oldest first.
/// Then rows with a task at the provider, when it can be asked.
/** `now` is read once from the database and holds for the whole pass.
 *  Errors: only when nothing could be begun; what goes wrong on the way is in the result.
 *  Source: design.md section 4; invariants.md R8, R9, R11, R12.
 */
[[nodiscard]] DatabaseResult<SweepResult> run_sweep(Connection& connection,
                                                    const Configuration& configuration,
                                                    const SweepOptions& options, History& history);

}  // namespace jobwatchdog
