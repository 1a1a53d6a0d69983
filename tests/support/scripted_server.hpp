/// An HTTP server on 127.0.0.1 whose every byte a test decides, also those that no decent server would send.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace jobwatchdog::test {

/// What the server does with a request that it has read whole.
struct ScriptedReply {
  std::string bytes;          ///< Sent as they are; "" sends nothing.
  bool closes{false};         ///< Then the connection is closed.
  bool waits_for_end{false};  ///< Then nothing more is said until the client goes.
};

/// A reply that is HTTP: status, a length that fits, and further header lines ("Retry-After: 5\r\n").
ScriptedReply http_reply(int status, const std::string& body, const std::string& header_lines = "");

/// Serves each connection on a thread of its own until it dies.
class ScriptedServer {
 public:
  /// `answer` gets a request as it came (head and body) and is called from many threads, one at a time.
  explicit ScriptedServer(std::function<ScriptedReply(const std::string& request)> answer);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<std::string> requests() const;  ///< All that came whole, in their order.
  [[nodiscard]] int connection_count() const { return connection_count_; }
  void wait_for_requests(std::size_t count);  ///< Until so many have come.
  void close_connections();                   ///< Those that stand, from our side, and waits until they are.

 private:
  void serve();
  void serve_connection(int socket);
  ScriptedReply answer_to(const std::string& request);

  std::function<ScriptedReply(const std::string&)> answer_;
  int listener_{-1};
  int port_{0};
  std::atomic<int> connection_count_{0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<int> sockets_;
  std::vector<std::string> requests_;
  std::vector<std::thread> threads_;
  std::thread thread_;
};

}  // namespace jobwatchdog::test
