/// A list of addresses and networks, IPv4 and IPv6, and whether an address is in it.
#pragma once

#include <string>
#include <vector>

#include "core/problem.hpp"

namespace jobwatchdog {

class NetworkList {
 public:
  /// Reads addresses and networks, "127.0.0.1" or "10.0.0.0/8", separated by commas. Problem, told of
  /// `where`: one is neither.
  [[nodiscard]] static Result<NetworkList> parse(const std::string& where, const std::string& text);

  [[nodiscard]] bool contain(const std::string& address) const;

 private:
  struct Network {
    std::vector<unsigned char> bytes;  ///< 16 of them; IPv4 as IPv6 has it.
    int prefix_bits{128};
  };
  std::vector<Network> networks_;
};

/// Whether it is an address, and not a name.
[[nodiscard]] bool is_ip_address(const std::string& text);

}  // namespace jobwatchdog
