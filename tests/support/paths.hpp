/// Where the project's files are, for tests that read them.
#pragma once

#include <filesystem>

namespace jobwatchdog::test {

/// The folder that holds README.md; told by the build, so that tests run from any directory.
inline std::filesystem::path project_root() { return JOBWATCHDOG_PROJECT_ROOT; }

}  // namespace jobwatchdog::test
