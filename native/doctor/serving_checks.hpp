/// What `doctor` looks at for `serve`: whom it believes, which roles it may take, where it is reached.
#pragma once

#include <vector>

#include "native/doctor/check.hpp"
#include "native/http/http_client.hpp"
#include "native/http/web_address.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

/// The keys of the environment that callers are known by: one line, or one for each that is no good.
[[nodiscard]] std::vector<Check> check_access();

/// Whether this login may become whoever calls /rest/v1. Source: protocols.md 3.1.
[[nodiscard]] Check check_roles(Connection& connection);

/// Whether a jobwatchdog answers at the address that webhooks are asked to. Waits at most ten seconds.
[[nodiscard]] Check check_webhooks(const std::string& public_url);
/// Of the answers at /healthz and /version.
[[nodiscard]] Check judged_webhooks(const WebAddress& address, const HttpAnswer& health,
                                    const HttpAnswer& version);

}  // namespace jobwatchdog
