/// CORS: which pages of other origins a browser lets call. Source: protocols.md 2.2, invariants.md S11.
#pragma once

#include <set>
#include <string>

#include "native/http/http_server.hpp"

namespace jobwatchdog {

/// Adds the headers for a page of that origin; none for an origin that is not configured.
void add_cors(HttpReply& reply, const HttpRequest& request, const std::set<std::string>& origins);

/// The answer to a preflight.
[[nodiscard]] HttpReply preflight_reply();

}  // namespace jobwatchdog
