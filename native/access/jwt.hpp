/// JSON Web Tokens, by libjose: who a request comes from. Source: RFC 7515, 7517 and 7519; protocols.md 2.4.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "core/time.hpp"
#include "native/secret.hpp"

namespace jobwatchdog {

/// Why a token is refused.
enum class TokenFault : std::uint8_t {
  malformed,
  unsupported_algorithm,
  unknown_key,  ///< No key of its algorithm and name is known: a newer set of keys may have it.
  bad_signature,
  expired,
  not_yet_valid,
  wrong_issuer,
  wrong_audience,
  no_role
};

/// The fault in words, for the bearer: they tell nothing of keys.
[[nodiscard]] const char* token_fault_words(TokenFault fault);

/// What a token must say beside a good signature; "" = whatever it says.
struct TokenPolicy {
  std::string issuer;
  std::string audience;  ///< One of the token's, when it has any; a key without one is for all.
  Duration clock_tolerance{seconds(30)};
};

struct TokenClaims {
  std::string role;
  std::string subject;  ///< The user's id; "" for a key that is nobody's.
  nlohmann::json all;   ///< Every claim, for request.jwt.claims.
};

/// The keys that tokens may be signed with, each bound to one algorithm: a token never chooses its own.
class TokenKeys {
 public:
  /// A secret that is shared with whoever signs: HS256. Problem: it is shorter than 32 bytes.
  [[nodiscard]] std::optional<Problem> add_secret(const Secret& secret);
  /// The public keys of a JWKS document: RS256 and ES256. Keys for other uses are passed over. Problem: it is
  /// no such document, or none of its keys serves.
  [[nodiscard]] std::optional<Problem> add_public_keys(const std::string& jwks);
  [[nodiscard]] bool empty() const { return keys_.empty(); }

  /// Checks the signature, the times by `now_ms` (milliseconds since 1970), the policy, and that there is a
  /// role.
  [[nodiscard]] Result<TokenClaims, TokenFault> check(const std::string& token, const TokenPolicy& policy,
                                                      std::int64_t now_ms) const;

 private:
  std::vector<nlohmann::json> keys_;  ///< JWKs, each with its "alg".
};

/// A token with these claims under a shared secret, by HS256: for development, and for tests.
[[nodiscard]] Result<std::string> sign_token(const nlohmann::json& claims, const Secret& secret);

}  // namespace jobwatchdog
