// Named failpoints, for builds that have them.
#include "native/failpoint.hpp"

#ifdef JOBWATCHDOG_FAILPOINTS
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace jobwatchdog {
namespace {

/// As system() does it, but without ignoring SIGINT meanwhile: the command may send us one.
void run_by_shell(const std::string& command) {
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) continue;  // A signal may come first.
  if (status != 0) std::abort();
}

}  // namespace

void failpoint(const char* name) {
  const char* armed = std::getenv("WATCHDOG_FAILPOINT");
  if (armed == nullptr) return;
  const std::string text{armed};
  const std::size_t name_end = text.find_first_of("@=");
  const std::size_t command_from = text.find('=');
  if (command_from == std::string::npos || text.substr(0, name_end) != name) return;
  const int wanted = text[name_end] == '@' ? std::atoi(text.c_str() + name_end + 1) : 1;
  static int passed_count = 0;
  if (++passed_count < wanted) return;
  unsetenv("WATCHDOG_FAILPOINT");  // Once, and not in the processes that the command starts.
  run_by_shell(text.substr(command_from + 1));
}

}  // namespace jobwatchdog
#endif
