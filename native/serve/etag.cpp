// Names of contents by SHA-256.
#include "native/serve/etag.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

namespace jobwatchdog {

std::string etag_of(const std::string& content) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  return fmt::format("\"{:02x}\"", fmt::join(digest.begin(), digest.begin() + 16, ""));
}

}  // namespace jobwatchdog
