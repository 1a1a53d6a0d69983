/// Which keys, tokens and origins `serve` believes, as the environment tells.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "native/access/issuer_keys.hpp"
#include "native/access/jwt.hpp"
#include "native/access/key_ring.hpp"

namespace jobwatchdog {

struct AccessSettings {
  TokenKeys token_keys;
  std::shared_ptr<IssuerKeys> issuer_keys;  ///< Beside those; nullptr = no issuer is asked.
  TokenPolicy token_policy;
  KeyRing publishable_keys;       ///< Whoever bears one is anon.
  KeyRing secret_keys;            ///< Whoever bears one is the service.
  KeyRing cron_secrets;           ///< Two while one replaces the other.
  std::set<std::string> origins;  ///< Of pages that a browser may call from, exact.
};

/// Reads WATCHDOG_JWT_SECRET, WATCHDOG_JWKS, WATCHDOG_JWKS_URL, WATCHDOG_JWT_ISSUER, WATCHDOG_JWT_AUDIENCE,
/// WATCHDOG_PUBLISHABLE_KEYS, WATCHDOG_SECRET_KEYS, WATCHDOG_CRON_SECRETS and WATCHDOG_CORS_ORIGINS. Secrets
/// may stand in the file that NAME_FILE names.
/** Nothing set is nothing believed: only what needs no key then answers. What WATCHDOG_JWKS_URL names is
 * being fetched when this returns. Errors: all of them at once. */
[[nodiscard]] Result<AccessSettings, std::vector<Problem>> access_settings_of_environment();

/// A secret of the environment: the variable, or the file that NAME_FILE names, without the line break at its
/// end; "" = not set.
[[nodiscard]] Result<Secret> secret_of_environment(const std::string& name);

}  // namespace jobwatchdog
