// `jobwatchdog serve`: a node that stays: it reconciles all the time and takes the provider's webhooks.
#include <csignal>
#include <iostream>
#include <mutex>

#include "native/commands.hpp"
#include "native/http/listen_address.hpp"
#include "native/json_text.hpp"
#include "native/life/node.hpp"
#include "native/life/node_metrics.hpp"
#include "native/life/reconcile_report.hpp"
#include "native/life/webhook_door.hpp"
#include "native/log.hpp"
#include "native/retry.hpp"
#include "native/stop_signal.hpp"

namespace jobwatchdog {
namespace {

constexpr Duration drain_patience = seconds(5);

/// The webhook paths of all tools.
Outcome<std::set<std::string>> webhook_names(Connection& connection) {
  const DatabaseResult<Rows> rows =
      connection.query("SELECT DISTINCT webhook_path FROM watchdog.tools", {}, {.read_only = true});
  if (!rows.ok()) return failure_of("reading the tools", rows.error());
  std::set<std::string> names;
  for (std::size_t i = 0; i < rows.value().size(); ++i) names.insert(rows.value().text(i, "webhook_path"));
  return names;
}

HttpReply plain(int status, const std::string& words) {
  return {.status = status, .headers = {{"content-type", "text/plain; charset=utf-8"}}, .body = words + "\n"};
}

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

HttpHandler handler_of(const std::shared_ptr<ConnectionPool>& connections, const std::set<std::string>& names,
                       const std::shared_ptr<SharedCounts>& counts) {
  return [door = WebhookDoor{connections, names}, connections, counts](const HttpRequest& request) {
    if (request.path == "/healthz") return plain(200, "ok");
    if (request.path == "/metrics") {
      return HttpReply{.status = 200,
                       .headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}},
                       .body = node_metrics(counts->get(), *connections)};
    }
    return door.answer(request).value_or(plain(404, "there is nothing here"));
  };
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
  Outcome<std::unique_ptr<Node>> opened =
      Node::open(global, {"serve", command.public_url, !command.starts_no_jobs});
  if (!opened.ok()) return report(opened.error());
  Node& node = *opened.value();
  const Outcome<std::set<std::string>> names = webhook_names(node.connection());
  if (!names.ok()) return report(names.error());
  auto connections = std::make_shared<ConnectionPool>([&node] { return node.another_connection(); });
  auto counts = std::make_shared<SharedCounts>();
  const HttpServerOptions options{.address = listen.value().address, .port = listen.value().port};
  Result<HttpServer> server = HttpServer::start(options, handler_of(connections, names.value(), counts));
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
