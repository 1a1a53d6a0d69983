// Putting the accounts together, and refusing those that would send a key where it does not belong.
#include "native/provider/accounts.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string_view>

#include "native/http/web_address.hpp"

namespace jobwatchdog {
namespace {

constexpr std::string_view key_prefix = "WATCHDOG_RUNNINGHUB_API_KEY";
constexpr std::string_view url_prefix = "WATCHDOG_RUNNINGHUB_URL";
constexpr std::string_view file_suffix = "_FILE";
constexpr int requests_at_once_limit = 1'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char capital(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// How a variable spells an account: "arcano-main" is ARCANO_MAIN.
std::string spelled(std::string account) {
  std::transform(account.begin(), account.end(), account.begin(),
                 [](char c) { return is_digit(c) || is_letter(c) ? capital(c) : '_'; });
  return account;
}

std::string named(std::string_view prefix, const std::string& account) {
  return std::string{prefix} + "_" + spelled(account);
}

std::string trimmed(const std::string& text) {
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" \t\r\n") - from + 1);
}

/// A key goes into a header and is looked for in texts: it is one word, and long enough not to be part of
/// another.
std::optional<Problem> problem_of_key(const Secret& key, const std::string& where) {
  const std::string& text = key.reveal();
  const bool is_word = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.size() >= 8 && text.size() <= 256 && is_word) return std::nullopt;
  return Problem{where,
                 "is no key: " + std::to_string(text.size()) +
                     (is_word ? " characters" : " bytes with blanks or others that no key has"),
                 "copy it again from the provider's page; it is one word of 8 to 256 characters"};
}

std::optional<Problem> problem_of_url(const std::string& url, const std::string& where) {
  const std::optional<WebAddress> address = parse_web_address(url);
  const bool is_server =
      address && address->path.empty() && !url.ends_with('/') && !address->has_query && !address->has_user;
  if (is_server && travels_safely(*address)) return std::nullopt;
  const std::string what =
      is_server ? "would send the key in the clear to another machine" : "is no address of a provider";
  return Problem{where, what,
                 std::string{"use https:// with a host and perhaps a port, such as "} + runninghub_url +
                     "; http:// only goes to this machine"};
}

/// What the environment says, read bit by bit; collects what is wrong.
class Environment {
 public:
  Environment(const std::map<std::string, std::string>& variables, AccountProblems& problems)
      : variables_(variables), problems_(problems) {}

  [[nodiscard]] std::string text(const std::string& name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? "" : trimmed(found->second);
  }

  /// The key that the variable holds or names a file of; empty without one.
  [[nodiscard]] Secret key(const std::string& name) {
    const std::string file_variable = name + std::string{file_suffix};
    const std::string path = text(file_variable);
    if (path.empty()) return Secret{text(name)};
    if (!text(name).empty())
      problems_.push_back({file_variable, "is set beside " + name, "unset one of the two"});
    std::ifstream file{path, std::ios::binary};
    std::ostringstream content;
    content << file.rdbuf();
    Secret key{trimmed(content.str())};
    if (!file || key.empty())
      problems_.push_back({file_variable, "names a file that cannot be read or is empty: " + path,
                           "write the key into it and let this user read it"});
    return key;
  }

  /// The accounts that the environment has a key for.
  [[nodiscard]] std::vector<std::string> accounts() const {
    std::vector<std::string> names;
    for (const auto& [variable, value] : variables_) {
      std::string rest = variable;
      if (rest.size() > file_suffix.size() && rest.substr(rest.size() - file_suffix.size()) == file_suffix)
        rest.resize(rest.size() - file_suffix.size());
      if (rest == key_prefix) names.emplace_back(default_account);
      const std::string beginning = std::string{key_prefix} + "_";
      if (rest.rfind(beginning, 0) != 0 || rest.size() == beginning.size()) continue;
      std::string name = rest.substr(beginning.size());
      std::transform(name.begin(), name.end(), name.begin(), small);
      names.push_back(name);
    }
    return names;
  }

 private:
  const std::map<std::string, std::string>& variables_;
  AccountProblems& problems_;
};

/// Lays the environment over an account and says what is wrong with the whole.
void complete(ProviderAccount& account, Environment& environment, AccountProblems& problems) {
  std::string key_place = named(key_prefix, account.name);
  Secret key = environment.key(key_place);
  if (key.empty() && account.name == default_account) {
    key_place = key_prefix;
    key = environment.key(key_place);
  }
  const std::string stored_place = "watchdog.runninghub_accounts, account " + account.name;
  if (key.empty()) {
    key_place = stored_place + ": api_key";
  } else {
    account.api_key = std::move(key);
  }
  if (account.api_key.empty()) return;
  account.key_place = environment.text(key_place + std::string{file_suffix}).empty()
                          ? key_place
                          : key_place + std::string{file_suffix};
  if (auto problem = problem_of_key(account.api_key, key_place)) problems.push_back(*problem);

  std::string url_place = stored_place + ": base_url";
  for (const std::string& name : {std::string{url_prefix}, named(url_prefix, account.name)}) {
    if (environment.text(name).empty()) continue;
    url_place = name;
    account.base_url = environment.text(name);
  }
  while (account.base_url.ends_with('/')) account.base_url.pop_back();
  if (auto problem = problem_of_url(account.base_url, url_place)) problems.push_back(*problem);

  const int most = account.requests_at_once_max;
  if (most < 1 || most > requests_at_once_limit)
    problems.push_back({stored_place + ": requests_at_once_max", std::to_string(most) + " is out of range",
                        "use 1 to " + std::to_string(requests_at_once_limit)});
}

}  // namespace

std::map<std::string, std::string> runninghub_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const std::size_t equals = text.find('=');
    if (text.rfind("WATCHDOG_RUNNINGHUB_", 0) != 0 || equals == std::string_view::npos) continue;
    if (equals + 1 < text.size()) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

DatabaseResult<std::vector<ProviderAccount>> stored_accounts(Connection& connection) {
  std::vector<ProviderAccount> accounts;
  const DatabaseResult<Rows> rows = connection.query(
      "SELECT account, base_url, api_key, requests_at_once_max FROM watchdog.runninghub_accounts ORDER BY account",
      {}, {.read_only = true});
  if (!rows.ok()) return rows.error();
  for (std::size_t i = 0; i < rows.value().size(); ++i) {
    ProviderAccount account;
    account.name = rows.value().text(i, "account");
    if (const Text url = rows.value().at(i, "base_url")) account.base_url = *url;
    account.api_key = Secret{rows.value().text(i, "api_key")};
    if (rows.value().at(i, "requests_at_once_max"))
      account.requests_at_once_max = static_cast<int>(std::clamp<std::int64_t>(
          rows.value().integer(i, "requests_at_once_max"), 0, std::numeric_limits<int>::max()));
    accounts.push_back(std::move(account));
  }
  return accounts;
}

Result<std::vector<ProviderAccount>, AccountProblems> all_accounts(
    const std::map<std::string, std::string>& variables, std::vector<ProviderAccount> stored) {
  AccountProblems problems;
  Environment environment{variables, problems};
  for (const std::string& name : environment.accounts()) {
    const bool is_known = std::any_of(stored.begin(), stored.end(), [&](const ProviderAccount& account) {
      return spelled(account.name) == spelled(name);
    });
    if (!is_known) stored.push_back({.name = name});
  }
  for (ProviderAccount& account : stored) complete(account, environment, problems);
  std::erase_if(stored, [](const ProviderAccount& account) { return account.api_key.empty(); });
  std::sort(stored.begin(), stored.end(),
            [](const ProviderAccount& a, const ProviderAccount& b) { return a.name < b.name; });
  if (!problems.empty()) return problems;
  return stored;
}

}  // namespace jobwatchdog
