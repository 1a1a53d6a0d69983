// The keys of an issuer: fetched again when they are old or one is missing, seldom, and never given up for
// nothing.
#include "native/access/issuer_keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "native/access/access_settings.hpp"
#include "native/http/http_server.hpp"
#include "native/log.hpp"
#include "tests/native/served.hpp"
#include "tests/native/token_issuer.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

constexpr std::int64_t start_ms = 1'800'000'000'000;
constexpr std::int64_t second_ms = 1'000;
constexpr std::int64_t minute_ms = 60'000;

/// The door of an issuer: what it tells can be changed, and what it was asked is counted.
class IssuerDoor {
 public:
  explicit IssuerDoor(int port = 0)
      : server_(std::move(HttpServer::start({.port = port}, [this](const HttpRequest& request) {
                            EXPECT_EQ(request.method, "GET");
                            ++asked_count_;
                            const std::lock_guard lock{mutex_};
                            return reply_;
                          }).value())) {}

  void tell(const HttpReply& reply) {
    const std::lock_guard lock{mutex_};
    reply_ = reply;
  }
  void tell_keys(const std::vector<const Issuer*>& issuers) {
    Json keys = Json::array();
    for (const Issuer* issuer : issuers) keys.push_back(issuer->public_key());
    tell({.body = Json{{"keys", keys}}.dump()});
  }
  [[nodiscard]] int asked_count() const { return asked_count_; }
  [[nodiscard]] int port() const { return server_.port(); }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port()) + "/auth/v1/.well-known/jwks.json";
  }

 private:
  std::mutex mutex_;
  HttpReply reply_;
  std::atomic<int> asked_count_{0};
  HttpServer server_;
};

Json claims_at(std::int64_t now_ms) {
  return {{"role", "authenticated"}, {"sub", "u1"}, {"exp", now_ms / 1000 + 3'600}};
}

/// Why the token is refused; "" when it is believed.
std::string fault_of(IssuerKeys& keys, const std::string& token, std::int64_t now_ms) {
  const IssuerKeys::Checked checked = keys.check(token, {}, now_ms);
  return checked.result.ok() ? "" : token_fault_words(checked.result.error());
}

constexpr const char* unknown_key = "the token is signed with an unknown key";

class issuer_keys : public testing::Test {
 protected:
  [[nodiscard]] std::string token(const Issuer& issuer) const { return issuer.sign(claims_at(start_ms)); }

  /// Many threads at once, each with tokens whose keys nobody knows.
  void storm(IssuerKeys& keys, std::int64_t now_ms) const {
    const std::string made_up = token(stranger_);
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&] {
        for (int k = 0; k < 50; ++k) EXPECT_EQ(fault_of(keys, made_up, now_ms), unknown_key);
      });
    for (std::thread& thread : threads) thread.join();
    wait_for(*keys.end_of_fetch());
  }

  Issuer first_{"ES256", "first"};
  Issuer second_{"RS256", "second"};
  Issuer stranger_{"ES256", "made up"};
  IssuerDoor door_;
};

TEST_F(issuer_keys, are_fetched_at_once_and_believed_when_they_arrive) {
  door_.tell_keys({&first_, &second_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  EXPECT_TRUE(keys.have_arrived(start_ms));
  EXPECT_EQ(fault_of(keys, token(first_), start_ms), "");
  EXPECT_EQ(fault_of(keys, token(second_), start_ms), "");
  EXPECT_EQ(fault_of(keys, Issuer("ES256", "first").sign(claims_at(start_ms)), start_ms),
            "the token's signature is wrong");
  // Each key serves its own algorithm, also when it was fetched.
  const Secret public_text{first_.public_key().dump()};
  EXPECT_EQ(fault_of(keys, sign_token(claims_at(start_ms), public_text).value(), start_ms), unknown_key);
  EXPECT_EQ(door_.asked_count(), 1);
}

TEST_F(issuer_keys, are_fetched_again_after_ten_minutes_and_what_was_withdrawn_is_believed_no_more) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  door_.tell_keys({&second_});
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 10 * minute_ms - 1), "");
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(door_.asked_count(), 1);
  // Nobody waits: whoever finds the set old is answered by it.
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 10 * minute_ms), "");
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(door_.asked_count(), 2);
  EXPECT_EQ(fault_of(keys, token(second_), start_ms + 10 * minute_ms), "");
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 10 * minute_ms), unknown_key);
}

TEST_F(issuer_keys, that_are_new_are_found_by_their_name) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  door_.tell_keys({&first_, &second_});
  const IssuerKeys::Checked checked = keys.check(token(second_), {}, start_ms + 30 * second_ms);
  EXPECT_FALSE(checked.result.ok());
  ASSERT_NE(checked.news, nullptr);
  wait_for(*checked.news);
  EXPECT_EQ(fault_of(keys, token(second_), start_ms + 30 * second_ms), "");
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 30 * second_ms), "");
}

TEST_F(issuer_keys, a_storm_of_made_up_names_asks_the_issuer_once) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  storm(keys, start_ms + 30 * second_ms - 1);
  EXPECT_EQ(door_.asked_count(), 1);
  storm(keys, start_ms + 30 * second_ms);
  storm(keys, start_ms + 60 * second_ms - 1);
  EXPECT_EQ(door_.asked_count(), 2);
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 60 * second_ms), "");
}

TEST_F(issuer_keys, twin_a_second_fetch_would_be_counted) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  for (int i = 1; i <= 5; ++i) storm(keys, start_ms + i * 30 * second_ms);
  EXPECT_EQ(door_.asked_count(), 6);
}

TEST_F(issuer_keys, that_are_old_stay_in_force_while_the_issuer_fails_or_talks_nonsense) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  std::int64_t now_ms = start_ms + 10 * minute_ms;
  int asked_count = 1;
  testing::internal::CaptureStderr();
  configure_log({});
  const std::string public_keys = Json{{"keys", {second_.public_key()}}}.dump();
  for (const HttpReply& reply :
       {HttpReply{.status = 500, .body = public_keys}, HttpReply{.body = "<html>Sign in</html>"},
        HttpReply{.body = R"({"keys": []})"}, HttpReply{.body = public_keys + std::string(70'000, ' ')},
        HttpReply{.body = public_keys, .hang_up = true}, HttpReply{.body = public_keys, .cut_short = true},
        HttpReply{.status = 302, .headers = {{"location", door_.url()}}, .body = public_keys}}) {
    door_.tell(reply);
    EXPECT_EQ(fault_of(keys, token(first_), now_ms), "");
    wait_for(*keys.end_of_fetch());
    EXPECT_EQ(door_.asked_count(), ++asked_count) << reply.body;
    EXPECT_EQ(fault_of(keys, token(first_), now_ms), "");
    EXPECT_EQ(fault_of(keys, token(second_), now_ms), unknown_key);
    now_ms += 30 * second_ms;
  }
  const std::string told = testing::internal::GetCapturedStderr();
  EXPECT_THAT(told, HasSubstr("the old ones stay in force"));
  EXPECT_EQ(told.find("cannot be fetched"), told.rfind("cannot be fetched"))
      << "told more than once: " << told;
  door_.tell_keys({&second_});
  EXPECT_EQ(fault_of(keys, token(first_), now_ms), "");
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(fault_of(keys, token(second_), now_ms), "");
}

TEST_F(issuer_keys, of_an_issuer_that_is_away_at_the_start_are_tried_again_and_believed_once_they_are_there) {
  auto away = std::make_unique<IssuerDoor>();
  const int port = away->port();
  const std::string url = away->url();
  away.reset();
  IssuerKeys keys{url, start_ms};
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(fault_of(keys, token(first_), start_ms), unknown_key);
  EXPECT_FALSE(keys.have_arrived(start_ms));
  IssuerDoor back{port};
  back.tell_keys({&first_});
  EXPECT_FALSE(keys.have_arrived(start_ms + 30 * second_ms - 1));
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(back.asked_count(), 0);
  EXPECT_FALSE(keys.have_arrived(start_ms + 30 * second_ms));
  wait_for(*keys.end_of_fetch());
  EXPECT_TRUE(keys.have_arrived(start_ms + 30 * second_ms));
  EXPECT_EQ(fault_of(keys, token(first_), start_ms + 30 * second_ms), "");
}

TEST_F(issuer_keys, a_clock_that_was_set_back_keeps_nothing_for_ever) {
  door_.tell_keys({&first_});
  IssuerKeys keys{door_.url(), start_ms};
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(fault_of(keys, token(first_), start_ms - 60 * minute_ms), "");
  wait_for(*keys.end_of_fetch());
  EXPECT_EQ(door_.asked_count(), 2);
}

TEST_F(issuer_keys, whoever_lets_them_go_does_not_wait_for_an_issuer_that_says_nothing) {
  door_.tell({.never_reply = true});
  { const IssuerKeys keys{door_.url(), start_ms}; }
  EXPECT_LE(door_.asked_count(), 1);
}

TEST_F(issuer_keys, a_request_whose_key_is_on_its_way_waits_for_it_and_is_answered) {
  door_.tell_keys({&second_});
  AccessSettings settings;
  settings.issuer_keys = std::make_shared<IssuerKeys>(door_.url(), now_s() * 1000);
  const std::shared_ptr<IssuerKeys> keys = settings.issuer_keys;
  Served served{settings};
  const std::string user_token = second_.sign(claims_of("authenticated", owner_id));
  EXPECT_EQ(served.call("GET", "/functions/v1/feature-flags", "", bearer(user_token)).status, 200);
  EXPECT_EQ(served.call("GET", "/readyz", "", {}).status, 200);
  EXPECT_EQ(served.call("GET", "/functions/v1/feature-flags", "", as_user(owner_id)).status, 200);
  EXPECT_EQ(
      served
          .call("GET", "/functions/v1/feature-flags", "", bearer(stranger_.sign(claims_of("anon", owner_id))))
          .status,
      401);
  EXPECT_EQ(door_.asked_count(), 1);
}

TEST_F(issuer_keys, a_node_is_not_ready_before_they_arrive_and_still_knows_its_own_keys) {
  door_.tell({.status = 503});
  AccessSettings settings;
  settings.issuer_keys = std::make_shared<IssuerKeys>(door_.url(), now_s() * 1000);
  const std::shared_ptr<IssuerKeys> keys = settings.issuer_keys;
  wait_for(*keys->end_of_fetch());
  Served served{settings};
  const HttpReply reply = served.call("GET", "/readyz", "", {});
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("WATCHDOG_JWKS_URL"));
  EXPECT_EQ(served.call("GET", "/healthz", "", {}).status, 200);
  EXPECT_EQ(served.call("GET", "/functions/v1/feature-flags", "", as_user(owner_id)).status, 200);
  EXPECT_EQ(served
                .call("GET", "/functions/v1/feature-flags", "",
                      bearer(first_.sign(claims_of("authenticated", owner_id))))
                .status,
            401);
}

}  // namespace
}  // namespace jobwatchdog::test
