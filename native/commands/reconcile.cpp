// `jobwatchdog reconcile`: one pass over the jobs at work, for cron.
#include <csignal>
#include <iostream>

#include "core/duration_text.hpp"
#include "native/commands.hpp"
#include "native/json_text.hpp"
#include "native/life/node.hpp"
#include "native/life/node_metrics.hpp"
#include "native/life/reconcile_report.hpp"
#include "native/log.hpp"
#include "native/stop_signal.hpp"

namespace jobwatchdog {
namespace {

ExitCode code_of(const ReconcileCounts& counts) {
  if (stop_signal() == SIGINT) return ExitCode::interrupted;
  if (stop_signal() == SIGTERM) return ExitCode::terminated;
  return counts.unknown > 0 || counts.in_doubt > 0 ? ExitCode::partial : ExitCode::done;
}

}  // namespace

ExitCode run_reconcile(const GlobalOptions& global, const ReconcileCommand& command) {
  Duration duration_max = minutes(4);
  if (!command.duration_max.empty()) {
    const Result<Duration> parsed = parse_duration(command.duration_max);
    if (!parsed.ok())
      return report({ExitCode::usage, {{"--max-duration", parsed.error().what, parsed.error().mend}}});
    duration_max = parsed.value();
  }
  Outcome<std::unique_ptr<Node>> node =
      Node::open(global, {"reconcile", command.public_url, !command.starts_no_jobs});
  if (!node.ok()) return report(node.error());
  Reconciler& reconciler = node.value()->reconciler();
  const Stopwatch stopwatch;
  std::optional<DatabaseError> error;
  do {
    error = node.value()->turn(milliseconds(200));
  } while (!error && !reconciler.is_idle() && stop_signal() == 0 && stopwatch.elapsed() < duration_max);
  if (!error) error = reconciler.finish(finish_patience);
  if (!command.metrics_file.empty()) {
    if (auto problem = write_reconcile_metrics(command.metrics_file, reconciler.counts(), !error))
      log(LogLevel::warning, problem->what, {{"path", problem->where}, {"mend", problem->mend}});
  }
  if (error) return report(failure_of("reconcile", *error));
  const ReconcileCounts& counts = reconciler.counts();
  if (global.json) {
    std::cout << json_document(reconcile_json(counts));
  } else if (!global.quiet || code_of(counts) != ExitCode::done) {
    std::cout << reconcile_text(counts);
  }
  return code_of(counts);
}

}  // namespace jobwatchdog
