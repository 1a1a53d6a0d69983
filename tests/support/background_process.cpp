// A program that runs beside a test: its outputs are read while the test waits for something of it.
#include "tests/support/background_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

namespace jobwatchdog::test {
namespace {

/// Reads what is there; false: nothing will come any more.
bool read_some(int fd, std::string& sink) {
  std::array<char, 8192> buffer{};
  const ssize_t count = read(fd, buffer.data(), buffer.size());
  if (count > 0) sink.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0;
}

}  // namespace

BackgroundProcess::BackgroundProcess(const std::vector<std::string>& argv,
                                     const std::map<std::string, std::string>& env) {
  std::array<int, 2> out{};
  std::array<int, 2> err{};
  if (pipe2(out.data(), O_CLOEXEC) != 0 || pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe failed");
  pid_ = fork();
  if (pid_ == 0) become(argv, env, out[1], err[1]);
  close(out[1]);
  close(err[1]);
  out_fd_ = out[0];
  err_fd_ = err[0];
}

BackgroundProcess::~BackgroundProcess() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  finish();
}

/// Waits for output; false: both ends are closed.
bool BackgroundProcess::receive() {
  std::array<pollfd, 2> fds{{{out_fd_, POLLIN, 0}, {err_fd_, POLLIN, 0}}};
  if (out_fd_ < 0 && err_fd_ < 0) return false;
  poll(fds.data(), fds.size(), -1);
  if (fds[0].revents != 0 && !read_some(out_fd_, said_.out)) close(std::exchange(out_fd_, -1));
  if (fds[1].revents != 0 && !read_some(err_fd_, said_.err)) close(std::exchange(err_fd_, -1));
  return true;
}

std::string BackgroundProcess::wait_for_error_line(const std::string& words) {
  for (;;) {
    const std::size_t at = said_.err.find(words);
    const std::size_t end = at == std::string::npos ? at : said_.err.find('\n', at);
    if (end != std::string::npos) return said_.err.substr(0, end + 1);
    if (!receive()) throw std::runtime_error("it ended without \"" + words + "\"; it said: " + said_.err);
  }
}

void BackgroundProcess::signal(int number) const { kill(pid_, number); }

ProcessResult BackgroundProcess::finish() {
  while (receive()) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  said_.exit_code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return said_;
}

}  // namespace jobwatchdog::test
