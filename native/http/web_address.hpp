/// The address of a web server, taken apart, and whether the internet can know its host.
#pragma once

#include <optional>
#include <string>

namespace jobwatchdog {

struct WebAddress {
  bool is_https{false};
  std::string host;       ///< In small letters, an IPv6 address without its brackets.
  std::string path;       ///< "" for "/".
  bool has_query{false};  ///< Or a fragment: no path can follow.
  bool has_user{false};   ///< Or a password.
  std::string shown;      ///< Scheme, host, port and path, fit for a log: no user, no password, no query.
};

/// Nothing when it is not http: or https: with a host, or has blanks or anything else that must be escaped.
[[nodiscard]] std::optional<WebAddress> parse_web_address(const std::string& url);

/// Whether nobody between can read or change what travels there: https, or http that stays on this machine.
[[nodiscard]] bool travels_safely(const WebAddress& address);

/// Why nobody outside can reach the host, as "a loopback address"; "" when its spelling does not tell. Names
/// are not looked up: what one means here it need not mean elsewhere. Source: RFC 6890, RFC 6761.
[[nodiscard]] std::string privacy_of(const std::string& host);

}  // namespace jobwatchdog
