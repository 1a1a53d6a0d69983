// The accounts at the provider: the environment wins over the table, keys go only where they belong, and no
// complaint tells one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "native/provider/accounts.hpp"
#include "tests/support/database.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Variables = std::map<std::string, std::string>;

constexpr const char* canary = "CANARY3f9a77b2";
const std::string base = "WATCHDOG_RUNNINGHUB_";

std::vector<ProviderAccount> accounts(const Variables& environment,
                                      std::vector<ProviderAccount> stored = {}) {
  auto all = all_accounts(environment, std::move(stored));
  if (all.ok()) return all.value();
  for (const Problem& problem : all.error()) ADD_FAILURE() << problem.where << " " << problem.what;
  return {};
}

/// The one complaint, which tells no key and how to mend it.
Problem problem(const Variables& environment, std::vector<ProviderAccount> stored = {}) {
  const auto all = all_accounts(environment, std::move(stored));
  if (all.ok() || all.error().size() != 1) {
    ADD_FAILURE() << "not one problem";
    return {};
  }
  const Problem& only = all.error()[0];
  EXPECT_THAT(only.where + only.what + only.mend, Not(HasSubstr(canary)));
  EXPECT_NE(only.mend, "");
  return only;
}

ProviderAccount stored(const std::string& name, const std::string& url = runninghub_url) {
  return {name, url, Secret{"stored-key-" + name}, 3};
}

TEST(provider_accounts, the_environment_alone_is_enough) {
  const auto all = accounts({{base + "API_KEY", canary}, {base + "API_KEY_SECOND_SITE", "other-key"}});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "arcano_main");
  EXPECT_EQ(all[0].api_key.reveal(), canary);
  EXPECT_EQ(all[0].base_url, "https://www.runninghub.ai");
  EXPECT_EQ(all[1].name, "second_site");
  EXPECT_EQ(all[1].api_key.reveal(), "other-key");
  EXPECT_TRUE(accounts({}).empty());
}

TEST(provider_accounts, the_environment_wins_over_the_table) {
  const std::vector<ProviderAccount> table{stored("arcano_main"), stored("Site-2"),
                                           stored("three", "https://www.runninghub.cn/")};
  const auto all = accounts({{base + "API_KEY", canary},
                             {base + "API_KEY_SITE_2", "key-of-two"},
                             {base + "URL_SITE_2", "http://127.0.0.1:8080"}},
                            table);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].name, "Site-2") << "as the table spells it, and once";
  EXPECT_EQ(all[0].api_key.reveal(), "key-of-two");
  EXPECT_EQ(all[0].base_url, "http://127.0.0.1:8080");
  EXPECT_EQ(all[0].requests_at_once_max, 3);
  EXPECT_EQ(all[1].api_key.reveal(), canary);
  EXPECT_EQ(all[2].api_key.reveal(), "stored-key-three");
  EXPECT_EQ(all[2].base_url, "https://www.runninghub.cn");
  for (const ProviderAccount& account : accounts({{base + "URL", "https://emulator:1"}}, table))
    EXPECT_EQ(account.base_url, "https://emulator:1");
}

TEST(provider_accounts, the_own_variable_of_an_account_wins_over_the_common_one) {
  const auto all = accounts({{base + "API_KEY", "common-key"}, {base + "API_KEY_ARCANO_MAIN", canary}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].api_key.reveal(), canary);
}

TEST(provider_accounts, a_key_can_come_from_a_file) {
  const std::string path = testing::TempDir() + "provider_key";
  std::ofstream{path} << canary << "\n";
  EXPECT_EQ(accounts({{base + "API_KEY_FILE", path}}).at(0).api_key.reveal(), canary);
  const auto second = accounts({{base + "API_KEY_SECOND_FILE", path}});
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].name, "second");
  EXPECT_EQ(second[0].api_key.reveal(), canary);
  EXPECT_THAT(problem({{base + "API_KEY_FILE", path}, {base + "API_KEY", canary}}).what,
              HasSubstr("is set beside"));
  std::ofstream{path} << "\n";
  const auto refused = all_accounts({{base + "API_KEY_FILE", path}}, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error()[0].what, HasSubstr("empty: " + path));
  EXPECT_FALSE(all_accounts({{base + "API_KEY_FILE", path + ".is-not-there"}}, {}).ok());
}

TEST(provider_accounts, a_key_that_cannot_be_one_is_told_without_telling_it) {
  EXPECT_EQ(problem({{base + "API_KEY", "short"}}).where, "WATCHDOG_RUNNINGHUB_API_KEY");
  const std::vector<std::string> odd_keys{std::string{canary} + " x", std::string{canary} + "\r\nX: 1",
                                          std::string{canary} + "\xc3\xa9", std::string(257, 'a')};
  for (const std::string& odd : odd_keys)
    EXPECT_THAT(problem({{base + "API_KEY_B", odd}}).where, HasSubstr("API_KEY_B"));
}

TEST(provider_accounts, one_without_a_key_is_left_out) {
  ProviderAccount keyless = stored("main");
  keyless.api_key = Secret{};
  const auto accounts = all_accounts({}, {keyless, stored("other")});
  ASSERT_TRUE(accounts.ok());
  ASSERT_EQ(accounts.value().size(), 1U);
  EXPECT_EQ(accounts.value()[0].name, "other");
}

TEST(provider_accounts, a_key_goes_only_over_tls_or_to_this_machine) {
  for (const char* url : {"https://www.runninghub.cn", "https://a.b:8443", "http://127.0.0.1:1",
                          "http://localhost:80", "http://[::1]:80", "http://127.3.2.1"})
    EXPECT_EQ(accounts({{base + "API_KEY", canary}, {base + "URL", url}}).at(0).base_url, url);
  for (const char* url : {"http://www.runninghub.ai",
                          "http://127.0.0.1.evil.example",
                          "http://127.0.0.1@evil.example",
                          "http://localhost.evil.example",
                          "http://evil.example#127.0.0.1",
                          "https://user:pass@a.b",
                          "https://a.b/path",
                          "https://a.b?x=y",
                          "https://a.b#f",
                          "https://",
                          "https://:80",
                          "https://a b",
                          "https://a.b:port",
                          "ftp://a.b",
                          "file:///etc/passwd",
                          "www.runninghub.ai",
                          "https://a.b\r\nX: 1",
                          "HTTPS://",
                          "http://[::2]:80",
                          "http://0.0.0.0",
                          "http://[::1"})
    EXPECT_EQ(problem({{base + "API_KEY", canary}, {base + "URL", url}}).where, "WATCHDOG_RUNNINGHUB_URL")
        << url;
  EXPECT_THAT(problem({{base + "API_KEY", canary}, {base + "URL", "http://a.b"}}).what,
              HasSubstr("in the clear"));
  EXPECT_EQ(problem({}, {stored("main", "http://a.b")}).where,
            "watchdog.runninghub_accounts, account main: base_url");
}

TEST(provider_accounts, all_that_is_wrong_is_told_at_once) {
  ProviderAccount busy = stored("busy");
  busy.requests_at_once_max = 0;
  const auto all = all_accounts({{base + "API_KEY", "short"}, {base + "URL_BUSY", "nonsense"}}, {busy});
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().size(), 3U);
}

TEST(provider_accounts, the_environment_of_the_process_is_read) {
  setenv("WATCHDOG_RUNNINGHUB_API_KEY_OF_TEST", canary, 1);
  setenv("WATCHDOG_RUNNINGHUB_URL", "", 1);
  const Variables read = runninghub_environment();
  EXPECT_EQ(read.at("WATCHDOG_RUNNINGHUB_API_KEY_OF_TEST"), canary);
  EXPECT_EQ(read.count("WATCHDOG_RUNNINGHUB_URL"), 0U) << "an empty one counts as unset";
  unsetenv("WATCHDOG_RUNNINGHUB_API_KEY_OF_TEST");
  unsetenv("WATCHDOG_RUNNINGHUB_URL");
}

TEST(provider_accounts, the_table_is_read_in_the_order_of_names) {
  Database database = Database::empty();
  auto connection = Connection::open(database.url(), {});
  ASSERT_TRUE(connection.ok());
  database.exec(
      "CREATE SCHEMA watchdog; CREATE TABLE watchdog.runninghub_accounts (account text PRIMARY KEY, base_url text, api_key text, requests_at_once_max int);"
      "INSERT INTO watchdog.runninghub_accounts VALUES ('b', NULL, 'key-of-b', NULL), ('a', 'https://a.b', 'key-of-a', 5)");
  const auto two = stored_accounts(connection.value());
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two.value().size(), 2U);
  EXPECT_EQ(two.value()[0].name, "a");
  EXPECT_EQ(two.value()[0].base_url, "https://a.b");
  EXPECT_EQ(two.value()[0].api_key.reveal(), "key-of-a");
  EXPECT_EQ(two.value()[0].requests_at_once_max, 5);
  EXPECT_EQ(two.value()[1].base_url, runninghub_url);
  EXPECT_EQ(two.value()[1].requests_at_once_max, ProviderAccount{}.requests_at_once_max);
}

}  // namespace
}  // namespace jobwatchdog::test
