// How often callers may ask, and whose address counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/serve/rate_limit.hpp"
#include "tests/native/served.hpp"

namespace jobwatchdog::test {
namespace {

class rate_limit : public testing::Test {
 protected:
  int passed_of(int count, const std::string& caller) {
    int passed = 0;
    for (int i = 0; i < count; ++i) passed += limit_.take(caller) ? 0 : 1;
    return passed;
  }

  Duration now_{seconds(1'000)};
  RateLimit limit_{10, [this] { return now_; }};
};

TEST_F(rate_limit, gives_half_a_minute_at_once_and_then_one_by_one) {
  EXPECT_EQ(passed_of(100, "a"), 5);
  now_ = now_ + seconds(6);
  EXPECT_EQ(passed_of(100, "a"), 1);
  now_ = now_ + minutes(10);
  EXPECT_EQ(passed_of(100, "a"), 5);
}

TEST_F(rate_limit, says_how_long_to_wait_and_what_it_refused_costs_nothing) {
  (void)passed_of(5, "a");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(limit_.take("a")->ms, 6'000);
  now_ = now_ + milliseconds(5'999);
  EXPECT_EQ(limit_.take("a")->ms, 1);
  now_ = now_ + milliseconds(1);
  EXPECT_FALSE(limit_.take("a"));
}

TEST_F(rate_limit, one_caller_takes_nothing_from_another) {
  (void)passed_of(100, "a");
  EXPECT_EQ(passed_of(100, "b"), 5);
}

TEST_F(rate_limit, a_share_is_so_many_times_the_usual) {
  int passed = 0;
  for (int i = 0; i < 1'000; ++i) passed += limit_.take("an address", 10) ? 0 : 1;
  EXPECT_EQ(passed, 50);
}

TEST_F(rate_limit, keeps_nothing_of_callers_who_have_their_whole_share_again) {
  for (int i = 0; i < 1'000; ++i) (void)limit_.take("caller " + std::to_string(i));
  EXPECT_EQ(limit_.size(), 1'000U);
  now_ = now_ + seconds(10);
  (void)limit_.take("another");
  EXPECT_EQ(limit_.size(), 1U);
}

TEST(rate_limit_twin, without_a_limit_all_pass) {
  RateLimit none{0, [] { return Duration{}; }};
  for (int i = 0; i < 1'000; ++i) EXPECT_FALSE(none.take("a"));
}

HttpRequest from(const std::string& peer, const std::string& forwarded) {
  HttpRequest request;
  request.peer = peer;
  if (!forwarded.empty()) request.headers["x-forwarded-for"] = forwarded;
  return request;
}

// Source: invariants.md S16.
TEST(trusted_proxies, alone_are_believed_whom_they_forward) {
  const TrustedProxies proxies = TrustedProxies::parse("127.0.0.1, 10.0.0.0/8,fd00::/8").value();
  EXPECT_EQ(proxies.client_of(from("203.0.113.9", "")), "203.0.113.9");
  EXPECT_EQ(proxies.client_of(from("203.0.113.9", "198.51.100.1")), "203.0.113.9");
  EXPECT_EQ(proxies.client_of(from("127.0.0.1", "198.51.100.1")), "198.51.100.1");
  EXPECT_EQ(proxies.client_of(from("fd12::1", "198.51.100.1")), "198.51.100.1");
  EXPECT_EQ(proxies.client_of(from("::ffff:10.1.2.3", "198.51.100.1")), "198.51.100.1");
  // What a client wrote itself stands before what the first proxy wrote.
  EXPECT_EQ(proxies.client_of(from("127.0.0.1", "192.0.2.1, 198.51.100.1, 10.9.9.9")), "198.51.100.1");
  EXPECT_EQ(proxies.client_of(from("127.0.0.1", "unknown")), "127.0.0.1");
  EXPECT_EQ(proxies.client_of(from("127.0.0.1", "")), "127.0.0.1");
}

TEST(trusted_proxies, are_addresses_or_networks_and_nothing_else) {
  for (const char* text : {"localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "1.2.3",
                           "10.0.0.0/8x", "*", "/8"}) {
    const Result<TrustedProxies> proxies = TrustedProxies::parse(text);
    ASSERT_FALSE(proxies.ok()) << text;
    EXPECT_EQ(proxies.error().where, "--trusted-proxies");
  }
  EXPECT_FALSE(TrustedProxies::parse("").value().contain("127.0.0.1"));
  EXPECT_TRUE(TrustedProxies::parse("0.0.0.0/0").value().contain("203.0.113.9"));
  EXPECT_FALSE(TrustedProxies::parse("0.0.0.0/0").value().contain("::1"));
  EXPECT_FALSE(TrustedProxies::parse("10.0.0.0/9").value().contain("10.128.0.1"));
}

class limited : public testing::Test {
 protected:
  HttpReply check(const Headers& headers) {
    return served_.call("POST", "/functions/v1/runninghub-queue-manager/check", "{}", headers);
  }
  int passed_of(int count, const Headers& headers) {
    int passed = 0;
    for (int i = 0; i < count; ++i) passed += check(headers).status == 200 ? 1 : 0;
    return passed;
  }

  Served served_{AccessSettings{}, 10};
};

TEST_F(limited, a_user_who_asks_too_often_is_told_when_to_try_again) {
  EXPECT_EQ(passed_of(20, as_user(owner_id)), 5);
  const HttpReply refused = check(as_user(owner_id));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.at("retry-after"), "6");
  EXPECT_EQ(nlohmann::json::parse(refused.body)["error"], "Too many requests; try again in 6 s");
  served_.pass(seconds(6));
  EXPECT_EQ(check(as_user(owner_id)).status, 200);
}

TEST_F(limited, other_users_other_routes_and_the_service_go_on) {
  (void)passed_of(20, as_user(owner_id));
  EXPECT_EQ(passed_of(1, as_user(other_id)), 1);
  EXPECT_EQ(served_.call("POST", "/ofrep/v1/evaluate/flags", "{}", as_user(owner_id)).status, 200);
  EXPECT_EQ(passed_of(20, as_service()), 20);
}

TEST_F(limited, what_a_client_says_of_its_address_changes_nothing) {
  int passed = 0;
  for (int i = 0; i < 100; ++i) {
    Headers headers = as_anon();
    headers["x-forwarded-for"] = "198.51.100." + std::to_string(i);
    passed += check(headers).status == 200 ? 1 : 0;
  }
  EXPECT_EQ(passed, 50);
}

TEST_F(limited, whoever_bears_a_wrong_key_is_not_told_of_limits) {
  (void)passed_of(20, as_user(owner_id));
  EXPECT_EQ(check(bearer("abc")).status, 401);
}

}  // namespace
}  // namespace jobwatchdog::test
