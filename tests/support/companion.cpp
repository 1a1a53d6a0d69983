// A server that a script starts beside a test.
#include "tests/support/companion.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <stdexcept>

namespace jobwatchdog::test {
namespace {

/// Says what it knows, then waits for its input to end.
constexpr const char* innermost_command =
    "env | grep -E '^(CLUSTER|STANDBY|POOL)_'; echo ready; exec cat > /dev/null";
constexpr const char* ready = "ready\n";

[[noreturn]] void become(std::vector<std::string> argv, int in_fd, int out_fd) {
  argv.insert(argv.end(), {"sh", "-c", innermost_command});
  dup2(in_fd, STDIN_FILENO);
  dup2(out_fd, STDOUT_FILENO);
  std::vector<char*> pointers;
  for (std::string& argument : argv) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

std::string read_until_ready(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (!text.ends_with(ready)) {
    const ssize_t count = read(fd, buffer.data(), buffer.size());
    if (count <= 0) throw std::runtime_error("a server beside the test did not start; it said: " + text);
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

Companion::Companion(const std::vector<std::string>& scripts) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("pipe failed");
  pid_ = fork();
  if (pid_ == 0) become(scripts, in[0], out[1]);
  close(in[0]);
  close(out[1]);
  wish_to_live_ = in[1];
  std::istringstream lines{read_until_ready(out[0])};
  close(out[0]);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (equals != std::string::npos) facts_[line.substr(0, equals)] = line.substr(equals + 1);
  }
}

Companion::~Companion() {
  close(wish_to_live_);
  int status = 0;
  waitpid(pid_, &status, 0);
}

}  // namespace jobwatchdog::test
