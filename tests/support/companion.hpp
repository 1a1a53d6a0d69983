/// A server that a script starts beside a test, for as long as the object lives.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace jobwatchdog::test {

/// Starts scripts of the form `with_X COMMAND...`, each of which runs the next, and tells what the innermost
/// command was given to know.
class Companion {
 public:
  /// Starts, and waits until all servers are ready. Throws when one does not start.
  explicit Companion(const std::vector<std::string>& scripts);
  ~Companion();  ///< Ends the scripts, and with them their servers.
  Companion(const Companion&) = delete;
  Companion& operator=(const Companion&) = delete;

  /// What the scripts say of their servers, by name (CLUSTER_URL, ...).
  [[nodiscard]] const std::map<std::string, std::string>& facts() const { return facts_; }
  [[nodiscard]] const std::string& fact(const std::string& name) const { return facts_.at(name); }

 private:
  int wish_to_live_{-1};  ///< Closing it ends the command, and so the scripts.
  int pid_{0};
  std::map<std::string, std::string> facts_;
};

}  // namespace jobwatchdog::test
