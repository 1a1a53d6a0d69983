/// One node: all that a process needs to reconcile, opened once. `reconcile` is a node for one pass, `serve`
/// one that stays.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "native/life/reconciler.hpp"
#include "native/life/watch_policies.hpp"
#include "native/provider/provider.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

struct NodeOptions {
  std::string command;     ///< For its name in leases and evidence.
  std::string public_url;  ///< "" = submits bear no webhook.
  bool starts_jobs{true};
  std::function<void(const std::string& tool, const std::string& job_id)>
      on_news{};  ///< See ReconcilerOptions.
};

class Node {
 public:
  /// Opens configuration, database, flags and provider accounts. Failure: told in words.
  [[nodiscard]] static Outcome<std::unique_ptr<Node>> open(const GlobalOptions& global,
                                                           const NodeOptions& options);

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] Connection& connection() { return connection_; }
  /// Reads the flags anew when it is time to, then one turn of the reconciler.
  [[nodiscard]] std::optional<DatabaseError> turn(Duration patience);
  /// The next turn looks for work at once. For any thread.
  void wake() { is_woken_ = true; }
  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  [[nodiscard]] Reconciler& reconciler() { return *reconciler_; }

 private:
  Node(GlobalOptions global, Configuration configuration, Connection connection)
      : global_(std::move(global)),
        configuration_(std::move(configuration)),
        connection_(std::move(connection)) {}

  GlobalOptions global_;
  Configuration configuration_;
  Connection connection_;
  std::atomic<bool> is_woken_{false};
  WatchPolicies policies_{configuration_};
  std::unique_ptr<Provider> provider_;
  std::unique_ptr<LifeStore> store_;
  std::unique_ptr<Reconciler> reconciler_;
};

}  // namespace jobwatchdog
