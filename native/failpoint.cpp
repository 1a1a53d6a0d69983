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
  const std::string prefix = std::string{name} + "=";
  if (text.rfind(prefix, 0) != 0) return;
  unsetenv("WATCHDOG_FAILPOINT");  // Once, and not in the processes that the command starts.
  run_by_shell(text.substr(prefix.size()));
}

}  // namespace jobwatchdog
#endif
