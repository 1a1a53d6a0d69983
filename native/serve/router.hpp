/// The way of every request: find the route, ask who it is, read the body, let the route answer, and tell of
/// it.
#pragma once

#include <memory>

#include "native/http/http_server.hpp"
#include "native/serve/route.hpp"

namespace jobwatchdog {

/// Answers every request of the server. Each reply bears x-request-id and, for a page of a configured origin,
/// the headers of CORS; errors too. Source: protocols.md 2.2 and 2.3, invariants.md S1, S11.
[[nodiscard]] HttpHandler router(std::shared_ptr<const Services> services);

/// Lets the files of users in, of whom each is known and has a place before the first byte is read.
[[nodiscard]] LargeBodyDoor large_body_door(std::shared_ptr<const Services> services);

/// The route of a path, with what its "*" stand for in `wildcards`; nullptr when there is none for any
/// method.
[[nodiscard]] const Route* find_route(std::string_view method, std::string_view path,
                                      std::vector<std::string>* wildcards);

}  // namespace jobwatchdog
