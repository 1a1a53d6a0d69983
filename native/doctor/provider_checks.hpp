/// What `doctor` looks at in the accounts at the provider.
#pragma once

#include <vector>

#include "native/doctor/check.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

/// Whether each account has a key, and whether the provider takes it. Waits at most ten seconds.
/** `has_managed`: the database has accounts and tools; else the environment alone knows of accounts. */
[[nodiscard]] std::vector<Check> check_provider(Connection& connection, bool has_managed);

}  // namespace jobwatchdog
