// The accounts at the provider: their keys, and what the provider says to them.
#include "native/doctor/provider_checks.hpp"

#include <algorithm>

#include "native/http/answers_to.hpp"
#include "native/open_provider.hpp"
#include "native/provider/account_status.hpp"

namespace jobwatchdog {
namespace {

using State = Check::State;

/// Accounts that tools are run by, or that are stored, whether or not they have a key.
DatabaseResult<std::vector<std::string>> wanted_accounts(Connection& connection) {
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT account FROM watchdog.tools UNION SELECT account FROM watchdog.runninghub_accounts ORDER BY account",
      {}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < rows.value().size(); ++i) names.push_back(rows.value().text(i, "account"));
  return names;
}

Check without_key(const std::string& account) {
  return {"provider", State::warning,
          "account " + account + ": no key: its jobs are neither submitted nor asked about",
          "set WATCHDOG_RUNNINGHUB_API_KEY" +
              (account == default_account ? std::string{} : "_ and the account's name in capital letters") +
              " (or that with _FILE), or api_key in watchdog.runninghub_accounts"};
}

Check judged(const ProviderAccount& account, const AccountStatus& status) {
  const std::string words =
      "account " + account.name + ", key from " + account.key_place + ", " + account.base_url + ": ";
  switch (status.kind) {
    case AccountStatus::Kind::good: return {"provider", State::ok, words + status.words, ""};
    case AccountStatus::Kind::refused:
      return {"provider", State::error, words + "the provider refuses the key: " + status.words,
              "copy the key again; keys of www.runninghub.cn and www.runninghub.ai are not the same: "
              "WATCHDOG_RUNNINGHUB_URL tells which site"};
    case AccountStatus::Kind::unreachable:
      return {"provider", State::warning, words + "cannot be reached from here: " + status.words,
              "see whether this machine may call it (firewall, HTTPS_PROXY), and WATCHDOG_RUNNINGHUB_URL"};
    case AccountStatus::Kind::unclear: break;
  }
  return {"provider", State::warning, words + "no usable answer: " + status.words,
          "try again later; see WATCHDOG_RUNNINGHUB_URL if it stays so"};
}

}  // namespace

std::vector<Check> check_provider(Connection& connection, bool has_managed) {
  std::vector<Check> checks;
  const Outcome<std::vector<ProviderAccount>> accounts = provider_accounts(connection, has_managed);
  if (!accounts.ok()) {
    for (const Problem& problem : accounts.error().problems)
      checks.push_back(check_of("provider", State::error, problem));
    return checks;
  }
  std::vector<HttpCall> calls;
  for (const ProviderAccount& account : accounts.value()) calls.push_back(account_status_call(account));
  const std::vector<HttpAnswer> answers = answers_to(std::move(calls));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const ProviderAccount& account = accounts.value()[i];
    checks.push_back(judged(account, read_account_status(answers[i], account.api_key)));
  }
  if (!has_managed) return checks;
  const DatabaseResult<std::vector<std::string>> wanted = wanted_accounts(connection);
  if (!wanted.ok()) {
    checks.push_back(
        {"provider", State::warning, error_text(wanted.error()), "see README, \"The rights it needs\""});
    return checks;
  }
  for (const std::string& name : wanted.value()) {
    const bool has_key = std::any_of(accounts.value().begin(), accounts.value().end(),
                                     [&](const ProviderAccount& account) { return account.name == name; });
    if (!has_key) checks.push_back(without_key(name));
  }
  return checks;
}

}  // namespace jobwatchdog
