/// Running a program to its end and keeping all that it said.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace jobwatchdog::test {

struct ProcessResult {
  int exit_code{};  ///< As a shell tells it: 128 + the signal's number when a signal ended it.
  std::string out;
  std::string err;
};

/// Runs `argv` (found on PATH) with `env` laid over this process's own environment; an empty value unsets.
/** Standard input is empty. Errors: a program that cannot be started gives exit code 127, as in a shell. */
ProcessResult run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env = {});

/// Runs the same `count` times at once, and waits for all.
std::vector<ProcessResult> run_at_once(int count, const std::vector<std::string>& argv,
                                       const std::map<std::string, std::string>& env = {});

/// Runs the `jobwatchdog` that was built beside the tests, with no configuration file but those named.
ProcessResult run_jobwatchdog(const std::vector<std::string>& arguments,
                              const std::map<std::string, std::string>& env = {});

/// `env`, and no proxy and no configuration of whoever runs the tests: they are not for 127.0.0.1.
[[nodiscard]] std::map<std::string, std::string> without_proxies(std::map<std::string, std::string> env);

/// In a child of fork(): becomes the program, with empty input and the two as its outputs.
[[noreturn]] void become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env,
                         int out_fd, int err_fd);

}  // namespace jobwatchdog::test
