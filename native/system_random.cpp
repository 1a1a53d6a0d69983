// The system's own randomness, by OpenSSL.
#include "native/system_random.hpp"

#include <openssl/rand.h>

#include <stdexcept>

namespace jobwatchdog {

std::uint64_t system_random() {
  std::uint64_t number = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) != 1)
    throw std::runtime_error("the system gives no random numbers");
  return number;
}

}  // namespace jobwatchdog
