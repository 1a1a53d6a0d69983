/// The built-in rules as a configuration file has them, for what only a file can say.
#pragma once

#include <string>

#include "tests/support/process.hpp"

namespace jobwatchdog::test {

inline std::string managed_rules() {
  return run_jobwatchdog({"rules", "show", "stuck-exams"}).out + "\n" +
         run_jobwatchdog({"rules", "show", "stale-ai-jobs"}).out;
}

}  // namespace jobwatchdog::test
