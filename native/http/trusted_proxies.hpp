/// Which peers speak for others: the reverse proxies whose X-Forwarded-For is believed.
#pragma once

#include <string>

#include "core/problem.hpp"
#include "native/http/http_server.hpp"
#include "native/http/network_list.hpp"

namespace jobwatchdog {

class TrustedProxies {
 public:
  /// Reads addresses and networks, "127.0.0.1" or "10.0.0.0/8", separated by commas. Problem: one is neither.
  [[nodiscard]] static Result<TrustedProxies> parse(const std::string& text);

  [[nodiscard]] bool contain(const std::string& address) const;
  /// The address that the request comes from: of what a trusted proxy forwards, the last that is not a
  /// trusted proxy itself. What anybody else writes into X-Forwarded-For counts for nothing. Source:
  /// invariants.md S16.
  [[nodiscard]] std::string client_of(const HttpRequest& request) const;

 private:
  NetworkList networks_;
};

}  // namespace jobwatchdog
