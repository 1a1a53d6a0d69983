/// The option --listen, and the URL of what listens there.
#pragma once

#include <string>

#include "core/problem.hpp"

namespace jobwatchdog {

struct ListenAddress {
  std::string address;  ///< Without the brackets of an IPv6 address.
  int port{0};
};

/// Reads "127.0.0.1:8787" or "[::1]:8787". `example` is told to whoever wrote something else.
[[nodiscard]] Result<ListenAddress> parse_listen_address(const std::string& text, const std::string& example);

/// "http://127.0.0.1:8787", "http://[::1]:8787".
[[nodiscard]] std::string http_url(const std::string& address, int port);

}  // namespace jobwatchdog
