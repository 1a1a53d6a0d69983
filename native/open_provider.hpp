/// Opens the provider with all accounts that have a key.
#pragma once

#include <memory>
#include <vector>

#include "native/database.hpp"
#include "native/provider/accounts.hpp"
#include "native/provider/provider.hpp"
#include "native/workspace.hpp"

namespace jobwatchdog {

/// All accounts that have a key. `has_accounts` tells whether the database has the table
/// watchdog.runninghub_accounts; without it only the environment is asked for keys.
/** Errors: accounts that cannot be used, with their cure. */
[[nodiscard]] Outcome<std::vector<ProviderAccount>> provider_accounts(Connection& connection,
                                                                      bool has_accounts);

/// The provider that can be asked with these accounts; nothing when no account has a key.
/** Errors: accounts that cannot be used, with their cure. */
[[nodiscard]] Outcome<std::unique_ptr<Provider>> open_provider(Connection& connection, bool has_accounts);

}  // namespace jobwatchdog
