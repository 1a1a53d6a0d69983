/// Sweeps from time to time inside a node. Of several nodes one sweeps at a time: the lock decides.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "core/time.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

class Sweeper {
 public:
  /// Begins after a random share of the period, so that nodes that start together do not sweep together.
  Sweeper(GlobalOptions global, Duration period);
  /// Waits for a sweep at hand: it ends after its batch once a stop signal came.
  ~Sweeper();
  Sweeper(const Sweeper&) = delete;
  Sweeper& operator=(const Sweeper&) = delete;

  /// The last sweep of this node as metrics; "" before the first.
  [[nodiscard]] std::string metrics();

 private:
  void run();
  void sweep_once();
  /// Whether the sweeper goes on after that time.
  [[nodiscard]] bool waits(Duration time);

  GlobalOptions global_;
  Duration period_;
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stops_{false};
  std::string metrics_;
  double last_success_s_{0};
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace jobwatchdog
