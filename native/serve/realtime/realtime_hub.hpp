/// Who wants to hear of which job, over all sockets of this node: news comes in, rows are read once, changes
/// go out.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "native/connection_pool.hpp"
#include "native/serve/realtime/subscription.hpp"

namespace jobwatchdog {

/// A job that something happened to.
struct JobNewsItem {
  std::string tool;
  std::string job_id;
  bool is_new{false};
};

class RealtimeHub {
 public:
  explicit RealtimeHub(std::shared_ptr<ConnectionPool> connections) : connections_(std::move(connections)) {}

  void add(const std::shared_ptr<Subscription>& subscription);
  void remove(const std::shared_ptr<Subscription>& subscription);
  [[nodiscard]] std::size_t size();

  /// Reads the jobs that somebody wants to hear of and tells of them. What cannot be read is not told: pages
  /// ask as well.
  void hear(const std::vector<JobNewsItem>& news);
  /// Something may have happened to any job: all that are subscribed to by their id are read again.
  void hear_of_everything();
  /// Reads the jobs that a new subscription names and tells of them, so that nothing falls between its page's
  /// last look and now.
  void catch_up(const std::shared_ptr<Subscription>& subscription);

 private:
  using Subscriptions = std::set<std::shared_ptr<Subscription>>;
  using Key = std::pair<std::string, std::string>;  ///< Tool and job.

  [[nodiscard]] std::vector<ChangedJob> read(const std::vector<JobNewsItem>& items, std::string& now_text);
  [[nodiscard]] Subscriptions who_wants(const ChangedJob& job);

  std::shared_ptr<ConnectionPool> connections_;
  std::mutex mutex_;
  std::map<std::string, Subscriptions> by_job_;  ///< Those with a filter on an id.
  Subscriptions broad_;                          ///< All others.
};

}  // namespace jobwatchdog
