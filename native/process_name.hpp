/// Who we are in audit rows and leases.
#pragma once

#include <string>

namespace jobwatchdog {

/// "jobwatchdog sweep on HOST (pid 123)"; the same for the whole life of the process.
[[nodiscard]] std::string process_name(const std::string& command);

}  // namespace jobwatchdog
