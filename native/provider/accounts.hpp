/// The accounts at the provider: where they are, their keys and their limits, from environment and database.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "native/database.hpp"
#include "native/secret.hpp"

namespace jobwatchdog {

/// The account that WATCHDOG_RUNNINGHUB_API_KEY belongs to.
inline constexpr const char* default_account = "arcano_main";
inline constexpr const char* runninghub_url = "https://www.runninghub.ai";

struct ProviderAccount {
  std::string name;
  std::string base_url{runninghub_url};  ///< Scheme, host and perhaps a port; nothing behind it.
  Secret api_key{};
  int requests_at_once_max{8};
  std::string key_place{};  ///< The variable or the table that the key is in, for people.
};

using AccountProblems = std::vector<Problem>;

/// The variables WATCHDOG_RUNNINGHUB_... of this process that are not empty.
[[nodiscard]] std::map<std::string, std::string> runninghub_environment();

/// The rows of watchdog.runninghub_accounts, as they are.
[[nodiscard]] DatabaseResult<std::vector<ProviderAccount>> stored_accounts(Connection& connection);

/// All accounts with a key, by name: those that are stored and those that the environment has a key for. The
/// environment wins.
/** WATCHDOG_RUNNINGHUB_API_KEY is the key of `default_account`, WATCHDOG_RUNNINGHUB_API_KEY_X that of account
 *  x; each may have _FILE behind it and then names a file with the key. WATCHDOG_RUNNINGHUB_URL is the
 * address of all accounts, WATCHDOG_RUNNINGHUB_URL_X that of account x. Errors: every account that cannot be
 * used, with its cure; never a key. */
[[nodiscard]] Result<std::vector<ProviderAccount>, AccountProblems> all_accounts(
    const std::map<std::string, std::string>& environment, std::vector<ProviderAccount> stored);

}  // namespace jobwatchdog
