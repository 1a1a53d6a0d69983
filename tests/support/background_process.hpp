/// A program that runs beside a test, as a server does, until the test ends it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace jobwatchdog::test {

class BackgroundProcess {
 public:
  /// Starts `argv` (found on PATH) with `env` laid over this process's own; an empty value unsets.
  explicit BackgroundProcess(const std::vector<std::string>& argv,
                             const std::map<std::string, std::string>& env = {});
  ~BackgroundProcess();  ///< Kills it when it still runs.
  BackgroundProcess(const BackgroundProcess&) = delete;
  BackgroundProcess& operator=(const BackgroundProcess&) = delete;

  /// What it has written to stderr up to the line that holds `words`, that line included. Throws when it ends
  /// without.
  std::string wait_for_error_line(const std::string& words);
  void signal(int number) const;
  /// Waits for its end, and gives all that it said.
  ProcessResult finish();

 private:
  bool receive();

  int pid_{0};
  int out_fd_{-1};
  int err_fd_{-1};
  ProcessResult said_;
};

}  // namespace jobwatchdog::test
