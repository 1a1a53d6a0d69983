/// Where the project's files are, and reading them.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace jobwatchdog::test {

/// The folder that holds README.md; told by the build, so that tests run from any directory.
inline std::filesystem::path project_root() { return JOBWATCHDOG_PROJECT_ROOT; }

/// The binary that is tested: the one of this build, or another one that WATCHDOG_TEST_BINARY names.
inline std::string jobwatchdog_binary() {
  const char* other = std::getenv("WATCHDOG_TEST_BINARY");
  return other != nullptr ? other : JOBWATCHDOG_BINARY;
}

/// The whole text of a file; "" when there is none.
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace jobwatchdog::test
