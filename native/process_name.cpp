// Who we are in audit rows and leases.
#include "native/process_name.hpp"

#include <unistd.h>

#include <array>

namespace jobwatchdog {

std::string process_name(const std::string& command) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  return "jobwatchdog " + command + " on " + std::string{host.data()} + " (pid " + std::to_string(getpid()) +
         ")";
}

}  // namespace jobwatchdog
