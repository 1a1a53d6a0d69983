/// One header of a request.
#pragma once

#include <string>

#include "native/http/http_server.hpp"

namespace jobwatchdog {

/// The header of that name in small letters; "" when the request has none.
[[nodiscard]] inline std::string header(const HttpRequest& request, const std::string& name) {
  const auto found = request.headers.find(name);
  return found == request.headers.end() ? "" : found->second;
}

}  // namespace jobwatchdog
