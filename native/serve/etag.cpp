// Names of contents by SHA-256.
#include "native/serve/etag.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <array>

namespace jobwatchdog {

std::string etag_of(const std::string& content) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  std::string text;
  for (std::size_t i = 0; i < 16; ++i) text += fmt::format("{:02x}", digest[i]);
  return "\"" + text + "\"";
}

}  // namespace jobwatchdog
