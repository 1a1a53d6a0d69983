// `jobwatchdog serve`: a node that stays: it reconciles all the time and takes the provider's webhooks.
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <mutex>
#include <thread>

#include "native/commands.hpp"
#include "native/http/listen_address.hpp"
#include "native/json_text.hpp"
#include "native/life/node.hpp"
#include "native/life/reconcile_report.hpp"
#include "native/log.hpp"
#include "native/memory_privacy.hpp"
#include "native/open_provider.hpp"
#include "native/retry.hpp"
#include "native/serve/job_view.hpp"
#include "native/serve/realtime/job_news.hpp"
#include "native/serve/realtime/realtime_socket.hpp"
#include "native/serve/router.hpp"
#include "native/serve/sweeper.hpp"
#include "native/stop_signal.hpp"
#include "native/stopwatch.hpp"

namespace jobwatchdog {
namespace {

constexpr Duration drain_patience = seconds(5);

/// nullptr: none are wanted.
Result<std::shared_ptr<const Pages>> pages_of(const ServeCommand& command) {
  if (command.pages.empty()) return std::shared_ptr<const Pages>{};
  Result<Pages> pages = Pages::load(command.pages);
  if (!pages.ok()) return pages.error();
  return std::make_shared<const Pages>(std::move(pages.value()));
}

/// What the command line, the environment and the configuration say.
struct Settings {
  ListenAddress listen;
  TrustedProxies proxies;
  AccessSettings access;
  std::shared_ptr<const Pages> pages;
  Configuration configuration;
};

Outcome<Settings> read_settings(const GlobalOptions& global, const ServeCommand& command) {
  const Result<ListenAddress> listen = parse_listen_address(command.listen, "127.0.0.1:8787");
  if (!listen.ok()) return Failure{ExitCode::usage, {listen.error()}};
  const Result<TrustedProxies> proxies = TrustedProxies::parse(command.trusted_proxies);
  if (!proxies.ok()) return Failure{ExitCode::usage, {proxies.error()}};
  Result<AccessSettings, std::vector<Problem>> access = access_settings_of_environment();
  if (!access.ok()) return Failure{ExitCode::configuration, access.error()};
  Result<std::shared_ptr<const Pages>> pages = pages_of(command);
  if (!pages.ok()) return Failure{ExitCode::configuration, {pages.error()}};
  Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return configuration.error();
  return Settings{listen.value(), proxies.value(), std::move(access.value()), std::move(pages.value()),
                  std::move(configuration.value())};
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

std::shared_ptr<ConnectionPool> pool_of(const GlobalOptions& global, const Configuration& configuration) {
  return std::make_shared<ConnectionPool>([global, configuration]() -> DatabaseResult<Connection> {
    Outcome<Connection> connection = open_connection(global, configuration);
    if (connection.ok()) return std::move(connection.value());
    return DatabaseError{DatabaseError::Kind::unreachable, "", connection.error().problems.front().what, ""};
  });
}

/// What every part of the node hears and tells of jobs by.
struct News {
  explicit News(const std::shared_ptr<ConnectionPool>& connections)
      : hub(std::make_shared<RealtimeHub>(connections)), teller(connections) {}

  std::shared_ptr<JobBells> bells{std::make_shared<JobBells>()};
  std::shared_ptr<RealtimeHub> hub;
  JobNewsTeller teller;
};

/// What others wrote: pages hear of it, and whoever waits for it here looks again.
void hear(News& news, const std::vector<JobNewsItem>& items) {
  for (const JobNewsItem& item : items) news.bells->ring(item.job_id);
  news.hub->hear(items);
}

/// With a provider of its own, as large files would hold up the questions of the node.
Outcome<std::shared_ptr<Uploads>> uploads_of(Node& node) {
  Outcome<std::unique_ptr<Provider>> provider = open_provider(node.connection(), true);
  if (!provider.ok()) return provider.error();
  return std::make_shared<Uploads>(std::move(provider.value()));
}

/// What the handlers of requests need.
struct Serving {
  std::shared_ptr<SharedCounts> counts{std::make_shared<SharedCounts>()};
  std::shared_ptr<const Services> services;
};

Outcome<Serving> serving_of(const GlobalOptions& global, const ServeCommand& command, Settings& settings,
                            const std::shared_ptr<ConnectionPool>& connections, const News& news,
                            Node& node) {
  Outcome<std::shared_ptr<Uploads>> uploads = uploads_of(node);
  if (!uploads.ok()) return uploads.error();
  Serving serving;
  const auto sweeper = command.no_sweeps
                           ? nullptr
                           : std::make_shared<Sweeper>(global, settings.configuration.policy.sweep_period);
  const auto clock = [since = Stopwatch{}] { return since.elapsed(); };
  serving.services = std::make_shared<const Services>(
      Services{.connections = connections,
               .bells = news.bells,
               .flags = std::make_shared<LiveFlags>(connections, settings.configuration),
               .request_metrics = std::make_shared<RequestMetrics>(),
               .rate_limit = std::make_shared<RateLimit>(command.requests_per_minute, clock),
               .proxies = settings.proxies,
               .pages = std::move(settings.pages),
               .uploads = std::move(uploads.value()),
               .access = std::move(settings.access),
               .counts = [counts = serving.counts] { return counts->get(); },
               .sweep_metrics = [sweeper] { return sweeper ? sweeper->metrics() : ""; },
               .clock = clock,
               .wake = [&node] { node.wake(); }});
  return serving;
}

void warn_of_closed_doors(const AccessSettings& access) {
  if (!access.token_keys.empty() || access.issuer_keys || !access.secret_keys.empty()) return;
  log(LogLevel::warning,
      "no key is configured to know callers by: only webhooks, health and metrics are answered",
      {{"mend",
        "set WATCHDOG_JWT_SECRET, WATCHDOG_JWKS or WATCHDOG_JWKS_URL, see README, \"Serving pages\""}});
}

/// As many connections as this process may have files, up to a bound.
std::size_t raise_connections_max() {
  constexpr rlim_t connections_max = 20'000;
  constexpr rlim_t other_files_max = 300;  // Connections to the database and to providers, pages, logs.
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return HttpServerOptions{}.connections_max;
  const rlim_t had = files.rlim_cur;
  files.rlim_cur = std::min(files.rlim_max, std::max(had, connections_max + other_files_max));
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = had;  // A sandbox may forbid it.
  const rlim_t free_count = files.rlim_cur - std::min(files.rlim_cur / 2, other_files_max);
  return static_cast<std::size_t>(std::min(free_count, connections_max));
}

/// Beyond two a processor they mostly wait for one another: on two processors six answered 2,900 questions a
/// second, and ten 2,300.
int thread_count_of(const ServeCommand& command) {
  const int processors = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return command.thread_count > 0 ? command.thread_count : std::min(256, 2 * processors + 2);
}

HttpServerOptions server_options(const ServeCommand& command, const Settings& settings) {
  HttpServerOptions options{.address = settings.listen.address, .port = settings.listen.port};
  options.thread_count = thread_count_of(command);
  options.connections_max = raise_connections_max();
  options.connections_per_address_max = static_cast<std::size_t>(command.connections_per_address_max);
  options.is_proxy = [proxies = settings.proxies](const std::string& address) {
    return proxies.contain(address);
  };
  return options;
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
  keep_memory_private();
  Outcome<Settings> read = read_settings(global, command);
  if (!read.ok()) return report(read.error());
  Settings& settings = read.value();
  const Configuration& configuration = settings.configuration;
  warn_of_closed_doors(settings.access);

  const auto connections = pool_of(global, configuration);
  News news{connections};
  const auto tell = [&news](const std::string& tool, const std::string& job_id) {
    news.bells->ring(job_id);
    news.teller.tell(tool, job_id);
  };
  Outcome<std::unique_ptr<Node>> opened =
      Node::open(global, {"serve", command.public_url, !command.starts_no_jobs, tell});
  if (!opened.ok()) return report(opened.error());
  Node& node = *opened.value();
  Outcome<Serving> serving = serving_of(global, command, settings, connections, news, node);
  if (!serving.ok()) return report(serving.error());
  const auto& [counts, services] = serving.value();
  HttpServerOptions options = server_options(command, settings);
  options.admit_large_body = large_body_door(services);
  connections->warm(static_cast<std::size_t>(options.thread_count), looking_at_no_job_sql);
  Result<HttpServer> server = HttpServer::start(options, router(services), realtime_door(services, news.hub));
  if (!server.ok()) return report({ExitCode::failure, {server.error()}});
  log(LogLevel::info, "listening on " + http_url(options.address, server.value().port()));
  const JobNewsListener listener{
      command.direct_database_url.empty() ? database_url(global, configuration) : command.direct_database_url,
      [&news](const std::vector<JobNewsItem>& items) { hear(news, items); },
      [&news] { news.hub->hear_of_everything(); }};
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
