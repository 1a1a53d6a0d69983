// Running a program to its end: fork, exec, and one poll loop over its two pipes.
#include "tests/support/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "tests/support/paths.hpp"

namespace jobwatchdog::test {
namespace {

void drain(int out_fd, int err_fd, ProcessResult& result) {
  std::array<pollfd, 2> fds{{{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}}};
  std::array<std::string*, 2> sinks{&result.out, &result.err};
  int open_count = 2;
  while (open_count > 0) {
    poll(fds.data(), fds.size(), -1);
    for (std::size_t i = 0; i < fds.size(); ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      std::array<char, 8192> buffer{};
      const ssize_t count = read(fds[i].fd, buffer.data(), buffer.size());
      if (count > 0) {
        sinks[i]->append(buffer.data(), static_cast<std::size_t>(count));
      } else {
        fds[i].fd = -1;
        --open_count;
      }
    }
  }
}

}  // namespace

void become(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env, int out_fd,
            int err_fd) {
  const int empty_input = open("/dev/null", O_RDONLY);
  dup2(empty_input, STDIN_FILENO);
  dup2(out_fd, STDOUT_FILENO);
  dup2(err_fd, STDERR_FILENO);
  for (const auto& [name, value] : env) {
    if (value.empty()) {
      unsetenv(name.c_str());
    } else {
      setenv(name.c_str(), value.c_str(), 1);
    }
  }
  std::vector<char*> pointers;
  for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

ProcessResult run(const std::vector<std::string>& argv, const std::map<std::string, std::string>& env) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0) return {126, "", "pipe failed"};
  const pid_t child = fork();
  if (child == 0) become(argv, env, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  ProcessResult result;
  drain(out[0], err[0], result);
  close(out[0]);
  close(err[0]);
  int status = 0;
  waitpid(child, &status, 0);
  result.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

std::vector<ProcessResult> run_at_once(int count, const std::vector<std::string>& argv,
                                       const std::map<std::string, std::string>& env) {
  std::vector<ProcessResult> results(static_cast<std::size_t>(count));
  std::vector<std::thread> threads;
  for (ProcessResult& result : results) threads.emplace_back([&] { result = run(argv, env); });
  for (std::thread& thread : threads) thread.join();
  return results;
}

ProcessResult run_jobwatchdog(const std::vector<std::string>& arguments,
                              const std::map<std::string, std::string>& env) {
  std::vector<std::string> argv{jobwatchdog_binary()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  std::map<std::string, std::string> clean{{"DATABASE_URL", ""}, {"WATCHDOG_CONFIG", ""}, {"NO_COLOR", "1"}};
  for (const auto& [name, value] : env) clean[name] = value;
  return run(argv, clean);
}

std::map<std::string, std::string> without_proxies(std::map<std::string, std::string> env) {
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "WATCHDOG_CONFIG"})
    env[name] = "";
  return env;
}

}  // namespace jobwatchdog::test
