/// The system's own randomness, for tokens that nobody may guess and for draws.
#pragma once

#include <cstdint>

namespace jobwatchdog {

/// 64 bits of OpenSSL's generator. Throws when the system has none to give: then nothing may go on.
[[nodiscard]] std::uint64_t system_random();

}  // namespace jobwatchdog
