/// How a call to an address travels: whether anybody between could read or change it.
#pragma once

#include <cstdint>
#include <string>

namespace jobwatchdog {

enum class Passage : std::uint8_t {
  no_address,  ///< It is anything but scheme, host and perhaps a port.
  encrypted,   ///< https, to wherever.
  inside,      ///< http to this machine itself.
  in_clear     ///< http to another machine.
};

/// Of "https://host:1", without anything behind the port.
[[nodiscard]] Passage passage_to(const std::string& address);

}  // namespace jobwatchdog
