// Keys by their digests, with OpenSSL.
#include "native/access/key_ring.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

namespace jobwatchdog {

KeyRing::Digest KeyRing::digest_of(const std::string& text) {
  Digest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

void KeyRing::add(const Secret& key) { digests_.push_back(digest_of(key.reveal())); }

bool KeyRing::has(const std::string& text) const {
  const Digest wanted = digest_of(text);
  int is_found = 0;
  for (const Digest& digest : digests_)
    is_found |= static_cast<int>(CRYPTO_memcmp(digest.data(), wanted.data(), wanted.size()) == 0);
  return is_found != 0;
}

}  // namespace jobwatchdog
