/// A proxy before PostgreSQL that breaks connections where it is told to: around a request, inside an answer,
/// around a COMMIT.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace jobwatchdog::test {

/// Where a connection breaks.
enum class FaultPhase {
  before_request,    ///< The server never sees the request.
  within_answer,     ///< The server has done it; the client gets half of the answer.
  before_commit,     ///< The server never sees the COMMIT.
  behind_commit,     ///< The server gets the COMMIT; whether it is done with it, nobody waits to see.
  answer_to_commit,  ///< The server has committed; its answer is swallowed.
};

/// How it breaks, as the client sees it.
enum class FaultManner {
  close,  ///< An orderly end.
  reset,  ///< RST.
  half,   ///< Its reading side ends; what it writes still goes through, until it closes.
};

struct FaultPlan {
  FaultPhase phase{FaultPhase::answer_to_commit};
  FaultManner manner{FaultManner::close};
  /// Asked at each place of this phase whether the fault strikes there; from many threads.
  /** A COMMIT counts when it stands behind a statement that asks for pg_current_xact_id(): it settles a
   * batch. */
  std::function<bool()> strikes;
  bool dies_with_server{false};  ///< Stops to listen when its server is gone; else it waits for its return.
};

/// Listens on 127.0.0.1 and passes everything on to the server's port, but for the faults of its plan.
class FaultyProxy {
 public:
  FaultyProxy(int server_port, FaultPlan plan);
  ~FaultyProxy();
  FaultyProxy(const FaultyProxy&) = delete;
  FaultyProxy& operator=(const FaultyProxy&) = delete;

  [[nodiscard]] int port() const { return port_; }

 private:
  void serve();
  void pass_on(int client);

  int server_port_;
  FaultPlan plan_;
  int listener_{-1};
  int port_{0};
  std::thread thread_;
};

}  // namespace jobwatchdog::test
