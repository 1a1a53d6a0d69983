/// The address of a web server, taken apart, and whether the internet can know its host.
#pragma once

#include <optional>
#include <string>

namespace jobwatchdog {

struct WebAddress {
  bool is_https{false};
  std::string host;   ///< In small letters, an IPv6 address without its brackets.
  std::string shown;  ///< Scheme, host, port and path, fit for a log: no user, no password.
};

/// Nothing when it is not http: or https: with a host, or has a query or fragment, so that no path can
/// follow.
[[nodiscard]] std::optional<WebAddress> parse_web_address(const std::string& url);

/// Why nobody outside can reach the host, as "a loopback address"; "" when its spelling does not tell. Names
/// are not looked up: what one means here it need not mean elsewhere. Source: RFC 6890, RFC 6761.
[[nodiscard]] std::string privacy_of(const std::string& host);

}  // namespace jobwatchdog
