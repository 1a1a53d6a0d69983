// The provider, opened.
#include "native/open_provider.hpp"

#include "native/log.hpp"
#include "native/provider/runninghub.hpp"

namespace jobwatchdog {
namespace {

/// A role of the user's own may sweep without the right to read keys: the environment may still have one.
Outcome<std::vector<ProviderAccount>> readable_accounts(Connection& connection) {
  DatabaseResult<std::vector<ProviderAccount>> stored = stored_accounts(connection);
  if (stored.ok()) return std::move(stored.value());
  if (stored.error().sqlstate == "42501") return std::vector<ProviderAccount>{};
  return failure_of("reading watchdog.runninghub_accounts", stored.error());
}

}  // namespace

Outcome<std::vector<ProviderAccount>> provider_accounts(Connection& connection, bool has_accounts) {
  std::vector<ProviderAccount> stored;
  if (has_accounts) {
    Outcome<std::vector<ProviderAccount>> read = readable_accounts(connection);
    if (!read.ok()) return read.error();
    stored = std::move(read.value());
  }
  Result<std::vector<ProviderAccount>, AccountProblems> accounts =
      all_accounts(runninghub_environment(), std::move(stored));
  if (!accounts.ok()) return Failure{ExitCode::configuration, accounts.error()};
  return std::move(accounts.value());
}

Outcome<std::unique_ptr<Provider>> open_provider(Connection& connection, bool has_accounts) {
  Outcome<std::vector<ProviderAccount>> accounts = provider_accounts(connection, has_accounts);
  if (!accounts.ok()) return accounts.error();
  if (accounts.value().empty()) return std::unique_ptr<Provider>{};
  return std::unique_ptr<Provider>{std::make_unique<RunningHub>(std::move(accounts.value()))};
}

}  // namespace jobwatchdog
