/// A proxy before PostgreSQL that, once, lets a COMMIT through and swallows its answer: nobody can know what
/// happened.
#pragma once

#include <atomic>
#include <thread>

namespace jobwatchdog::test {

/// Listens on 127.0.0.1 and passes everything on to the server's port. The first COMMIT behind a statement
/// that asks for pg_current_xact_id() reaches the server; its answer does not come back, and the connection
/// is cut.
class CommitSwallowingProxy {
 public:
  explicit CommitSwallowingProxy(int server_port);
  ~CommitSwallowingProxy();
  CommitSwallowingProxy(const CommitSwallowingProxy&) = delete;
  CommitSwallowingProxy& operator=(const CommitSwallowingProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] bool has_swallowed() const { return swallowed_; }

 private:
  void serve();
  void pass_on(int client);

  int server_port_;
  int listener_{-1};
  int port_{0};
  std::atomic<bool> swallowed_{false};
  std::thread thread_;
};

}  // namespace jobwatchdog::test
