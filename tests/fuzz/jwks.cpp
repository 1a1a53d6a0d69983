// JWKS documents: the first line is a token, the rest the document. Public keys never make a shared secret.
#include "native/access/jwt.hpp"
#include "tests/fuzz/target.hpp"

namespace jobwatchdog::fuzz {

Verdict jwks(const std::string& input) {
  static const nlohmann::json claims{{"role", "service_role"}, {"exp", 1'900'000'000}};
  constexpr std::int64_t now_ms = 1'800'000'000'000;
  const std::vector<std::string> lines = lines_of(input, 2);
  TokenKeys keys;
  if (keys.add_public_keys(lines[1]))
    return keys.empty() ? refused() : broken("a refused document adds no key");
  if (keys.empty()) return broken("a document that is taken adds a key");
  const auto with_shared_secret = sign_token(claims, Secret{lines[1] + std::string(32, '.')});
  if (keys.check(with_shared_secret.value(), {}, now_ms).ok())
    return broken("a public key is no secret to sign with");
  return taken_under(!keys.check(lines[0], {}, now_ms).ok(), "nobody here can sign by a private key");
}

}  // namespace jobwatchdog::fuzz
