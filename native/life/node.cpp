// One node, opened.
#include "native/life/node.hpp"

#include "native/log.hpp"
#include "native/open_provider.hpp"
#include "native/process_name.hpp"
#include "native/provider/runninghub.hpp"
#include "native/stop_signal.hpp"
#include "native/system_random.hpp"

namespace jobwatchdog {
namespace {

/// Two containers may bear one name and one process number; their leases must not be one.
std::string lease_owner(const std::string& command) {
  return process_name(command) + " #" + std::to_string(system_random() % 65'536);
}

}  // namespace

Outcome<std::unique_ptr<Node>> Node::open(const GlobalOptions& global, const NodeOptions& options) {
  Outcome<Configuration> configuration = open_configuration(global);
  if (!configuration.ok()) return configuration.error();
  // It tells of what it wrote itself, after its commits.
  configuration.value().session.settings.emplace_back("watchdog.news", "later");
  Outcome<Connection> connection = open_managed(global, configuration.value());
  if (!connection.ok()) return connection.error();
  std::unique_ptr<Node> node{
      new Node(global, std::move(configuration.value()), std::move(connection.value()))};
  Outcome<std::unique_ptr<Provider>> provider = open_provider(node->connection_, true);
  if (!provider.ok()) return provider.error();
  node->provider_ = std::move(provider.value());
  if (!node->provider_) {
    log(LogLevel::warning, "no provider account has a key: nothing is submitted and nobody is asked",
        {{"mend", "set WATCHDOG_RUNNINGHUB_API_KEY, or api_key in watchdog.runninghub_accounts"}});
    node->provider_ = std::make_unique<RunningHub>(std::vector<ProviderAccount>{});
  }
  node->policies_.refresh(node->connection_);
  ReconcilerOptions wanted;
  wanted.holder.owner = lease_owner(options.command);
  wanted.holder.first_check_after = node->configuration_.policy.watch.initial_delay;
  wanted.public_url = options.public_url;
  wanted.starts_jobs = options.starts_jobs;
  wanted.on_news = options.on_news;
  wanted.must_stop = [] { return stop_signal() != 0; };
  wanted.policy_of = [policies = &node->policies_](const std::string& tool) {
    return policies->policy_of(tool);
  };
  node->store_ = std::make_unique<SqlLifeStore>(node->connection_, wanted.holder, wanted.must_stop);
  node->reconciler_ = std::make_unique<Reconciler>(*node->store_, *node->provider_, std::move(wanted));
  return node;
}

std::optional<DatabaseError> Node::turn(Duration patience) {
  policies_.refresh(connection_);
  if (is_woken_.exchange(false)) reconciler_->look_soon();
  return reconciler_->turn(patience);
}

}  // namespace jobwatchdog
