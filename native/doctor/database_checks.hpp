/// What `doctor` looks at in the server and in the way to it.
#pragma once

#include "native/doctor/check.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

[[nodiscard]] Check check_server(Connection& connection);
[[nodiscard]] Check check_pooler(Connection& connection, const GlobalOptions& global,
                                 const Configuration& configuration);
[[nodiscard]] Check check_clock(Connection& connection);

/// Whether `serve` hears of what others write: LISTEN, by `direct_database_url` or, without one, by the
/// database's own.
[[nodiscard]] Check check_listening(Connection& connection, const GlobalOptions& global,
                                    const Configuration& configuration,
                                    const std::string& direct_database_url);

}  // namespace jobwatchdog
