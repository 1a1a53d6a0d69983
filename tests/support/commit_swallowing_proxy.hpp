/// A proxy before PostgreSQL that, once, lets a COMMIT through and swallows its answer: nobody can know what
/// happened.
#pragma once

#include "tests/support/faulty_proxy.hpp"

namespace jobwatchdog::test {

/// The first COMMIT that settles a batch reaches the server; its answer does not come back, and the
/// connection is cut.
class CommitSwallowingProxy {
 public:
  explicit CommitSwallowingProxy(int server_port)
      : proxy_(server_port, {FaultPhase::answer_to_commit, FaultManner::close,
                             [this] { return !swallowed_.exchange(true); }, true}) {}

  [[nodiscard]] int port() const { return proxy_.port(); }
  [[nodiscard]] bool has_swallowed() const { return swallowed_; }

 private:
  std::atomic<bool> swallowed_{false};
  FaultyProxy proxy_;
};

}  // namespace jobwatchdog::test
