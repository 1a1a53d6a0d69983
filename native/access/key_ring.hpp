/// Keys that are compared and never read back: kept as SHA-256, looked up in a time that tells nothing of
/// them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "native/secret.hpp"

namespace jobwatchdog {

class KeyRing {
 public:
  void add(const Secret& key);
  /// Whether it is one of the keys. Takes as long for every text of one length. Source: invariants.md S15.
  [[nodiscard]] bool has(const std::string& text) const;
  [[nodiscard]] bool empty() const { return digests_.empty(); }

 private:
  using Digest = std::array<unsigned char, 32>;
  static Digest digest_of(const std::string& text);

  std::vector<Digest> digests_;
};

}  // namespace jobwatchdog
