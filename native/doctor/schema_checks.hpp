/// What `doctor` looks at in the schema and in what was done there so far.
#pragma once

#include "native/doctor/check.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

[[nodiscard]] Check check_schema(const Outcome<SchemaState>& schema);
[[nodiscard]] Check check_rules(Connection& connection, const Configuration& configuration);

/// `watches_jobs`: there are managed jobs, so that it matters whether they are watched.
[[nodiscard]] Check check_flags(Connection& connection, const Configuration& configuration,
                                bool watches_jobs);
[[nodiscard]] Check check_last_sweep(Connection& connection);

/// Whether somebody looks at the managed jobs at work. Reads the tables of those alone, never history.
[[nodiscard]] Check check_reconciling(Connection& connection);

}  // namespace jobwatchdog
