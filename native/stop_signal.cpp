// SIGINT and SIGTERM as a flag that loops look at between two transactions.
#include "native/stop_signal.hpp"

#include <atomic>
#include <csignal>

namespace jobwatchdog {
namespace {

// The thread that sweeps reads it too.
std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "only then a signal handler may touch it");

void remember(int signal) {
  if (received != 0) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  received = signal;
}

}  // namespace

void watch_stop_signals() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
  std::signal(SIGPIPE, SIG_IGN);
}

int stop_signal() { return received; }

}  // namespace jobwatchdog
