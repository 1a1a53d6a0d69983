// SIGINT and SIGTERM as a flag that loops look at between two transactions.
#include "native/stop_signal.hpp"

#include <csignal>

namespace jobwatchdog {
namespace {

volatile std::sig_atomic_t received = 0;

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
