// `jobwatchdog serve`: a node that stays: it reconciles all the time and takes the provider's webhooks.
#include <csignal>
#include <iostream>
#include <mutex>

#include "native/commands.hpp"
#include "native/http/listen_address.hpp"
#include "native/json_text.hpp"
#include "native/life/node.hpp"
#include "native/life/reconcile_report.hpp"
#include "native/log.hpp"
#include "native/retry.hpp"
#include "native/serve/router.hpp"
#include "native/serve/sweeper.hpp"
#include "native/stop_signal.hpp"

namespace jobwatchdog {
namespace {

constexpr Duration drain_patience = seconds(5);

/// What the node did so far, for whoever asks on another thread.
class SharedCounts {
 public:
  void put(const ReconcileCounts& counts) {
    const std::lock_guard lock{mutex_};
    counts_ = counts;
  }
  [[nodiscard]] ReconcileCounts get() {
    const std::lock_guard lock{mutex_};
    return counts_;
  }

 private:
  std::mutex mutex_;
  ReconcileCounts counts_;
};

/// What handlers share; the node outlives them.
std::shared_ptr<const Services> services_of(Node& node, AccessSettings access,
                                            std::shared_ptr<JobBells> bells,
                                            const std::shared_ptr<SharedCounts>& counts,
                                            const std::shared_ptr<Sweeper>& sweeper) {
  auto connections = std::make_shared<ConnectionPool>([&node] { return node.another_connection(); });
  return std::make_shared<const Services>(
      Services{.connections = connections,
               .bells = std::move(bells),
               .flags = std::make_shared<LiveFlags>(connections, node.configuration()),
               .request_metrics = std::make_shared<RequestMetrics>(),
               .access = std::move(access),
               .counts = [counts] { return counts->get(); },
               .sweep_metrics = [sweeper] { return sweeper ? sweeper->metrics() : ""; },
               .wake = [&node] { node.wake(); }});
}

void warn_of_closed_doors(const AccessSettings& access) {
  if (!access.token_keys.empty() || !access.secret_keys.empty()) return;
  log(LogLevel::warning,
      "no key is configured to know callers by: only webhooks, health and metrics are answered",
      {{"mend", "set WATCHDOG_JWT_SECRET or WATCHDOG_JWKS, see README, \"Serving pages\""}});
}

/// Turns until a signal comes. A database that is away for longer than a turn waits is waited for: the node
/// has nothing else to do.
void reconcile_until_stopped(Node& node, SharedCounts& counts) {
  while (stop_signal() == 0) {
    const std::optional<DatabaseError> error = node.turn(milliseconds(50));
    counts.put(node.reconciler().counts());
    if (!error) continue;
    log(LogLevel::error, "reconcile: " + error_text(*error) + "; trying again");
    rest_before_retry(attempts_max);
    (void)reconnect_patiently(node.connection(), [] { return stop_signal() != 0; });
  }
}

}  // namespace

ExitCode run_serve(const GlobalOptions& global, const ServeCommand& command) {
  const Result<ListenAddress> listen = parse_listen_address(command.listen, "127.0.0.1:8787");
  if (!listen.ok()) return report({ExitCode::usage, {listen.error()}});
  Result<AccessSettings, std::vector<Problem>> access = access_settings_of_environment();
  if (!access.ok()) return report({ExitCode::configuration, access.error()});
  auto bells = std::make_shared<JobBells>();
  Outcome<std::unique_ptr<Node>> opened =
      Node::open(global, {"serve", command.public_url, !command.starts_no_jobs,
                          [bells](const std::string& job_id) { bells->ring(job_id); }});
  if (!opened.ok()) return report(opened.error());
  Node& node = *opened.value();
  auto counts = std::make_shared<SharedCounts>();
  const HttpServerOptions options{.address = listen.value().address, .port = listen.value().port};
  warn_of_closed_doors(access.value());
  const Duration sweep_period = node.configuration().policy.sweep_period;
  auto sweeper = command.no_sweeps ? nullptr : std::make_shared<Sweeper>(global, sweep_period);
  Result<HttpServer> server = HttpServer::start(
      options, router(services_of(node, std::move(access.value()), bells, counts, sweeper)));
  if (!server.ok()) return report({ExitCode::failure, {server.error()}});
  log(LogLevel::info, "listening on " + http_url(options.address, server.value().port()));
  if (command.public_url.empty())
    log(LogLevel::warning, "without --public-url no webhook is asked for: jobs are found by asking alone");

  reconcile_until_stopped(node, *counts);
  log(LogLevel::info, "stopping: the requests and submits at hand are finished first");
  server.value().stop(drain_patience);
  const std::optional<DatabaseError> error = node.reconciler().finish(finish_patience);
  if (global.json) {
    std::cout << json_document(reconcile_json(node.reconciler().counts()));
  } else if (!global.quiet) {
    std::cout << reconcile_text(node.reconciler().counts());
  }
  if (error) return report(failure_of("stopping", *error));
  return ExitCode::done;
}

}  // namespace jobwatchdog
