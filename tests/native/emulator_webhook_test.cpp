// Webhooks of the emulated provider without a socket: when they ring, what they say, how often they are
// tried.
#include "tests/native/emulated.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(emulator, rings_at_the_end_in_the_shape_of_the_submit) {
  Emulated emulated;
  const std::string id = emulated.task();
  emulated.pass(milliseconds(9'999));
  EXPECT_THAT(emulated.webhooks(), IsEmpty());
  EXPECT_EQ(emulated.provider.next_webhook_at(), emulated.now + milliseconds(1));
  emulated.pass(milliseconds(1));
  const auto calls = emulated.webhooks();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].url, hook);
  const Json event = Json::parse(calls[0].body);
  EXPECT_EQ(event["event"], "TASK_END");
  EXPECT_EQ(event["taskId"], id);
  EXPECT_EQ(event["eventData"], emulated.query(id));

  const Json made =
      emulated.v1("ai-app/run", {{"webappId", app}, {"nodeInfoList", inputs}, {"webhookUrl", hook}});
  emulated.pass(seconds(10));
  const auto v1_calls = emulated.webhooks();
  ASSERT_EQ(v1_calls.size(), 1U);
  const Json v1_event = Json::parse(v1_calls[0].body);
  ASSERT_TRUE(v1_event["eventData"].is_string());
  EXPECT_EQ(Json::parse(v1_event["eventData"].get<std::string>()),
            emulated.v1("outputs", {{"taskId", made["data"]["taskId"]}}));
}

TEST(emulator, of_which_v1_is_wanted_rings_in_its_shape_always) {
  EmulatorSettings settings = ten_seconds();
  settings.speaks_v1 = true;
  Emulated emulated{settings};
  emulated.task();
  emulated.pass(seconds(10));
  EXPECT_TRUE(Json::parse(emulated.webhooks().at(0).body)["eventData"].is_string());
}

TEST(emulator, rings_for_nobody_who_did_not_ask) {
  Emulated emulated;
  emulated.v2(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}});
  EXPECT_EQ(emulated.provider.next_webhook_at(), std::nullopt);
}

TEST(emulator, tries_an_unanswered_webhook_three_times_more_within_three_minutes) {
  Emulated emulated;
  const std::string id = emulated.task();
  const auto detail = [&] { return emulated.v1("getWebhookDetail", {{"taskId", id}}); };
  EXPECT_EQ(detail()["msg"], "webhook event not exists");
  EXPECT_EQ(detail()["code"], 1);
  emulated.pass(seconds(10));
  for (int attempt = 0; attempt < 4; ++attempt) {
    const auto calls = emulated.webhooks();
    ASSERT_EQ(calls.size(), 1U) << attempt;
    emulated.provider.record_webhook(calls[0].number, attempt == 0 ? 0 : 500, "no", emulated.now);
    EXPECT_THAT(emulated.webhooks(), IsEmpty());
    emulated.pass(minutes(1));
  }
  EXPECT_THAT(emulated.webhooks(), IsEmpty());
  const Json data = detail()["data"];
  EXPECT_EQ(data["callbackStatus"], "FAILED");
  EXPECT_EQ(data["callbackResponse"], "HTTP 500 no");
  EXPECT_EQ(data["retryCount"], 3);
  EXPECT_EQ(data["taskId"], id);
  EXPECT_EQ(data["webhookUrl"], hook);
  EXPECT_TRUE(data["eventData"].is_string());
  EXPECT_THAT(data["userApiKey"].get<std::string>(), Not(HasSubstr("k1")));
  EXPECT_EQ(data["createTime"], provider_time(start + seconds(10)));
  EXPECT_EQ(data["updateTime"], provider_time(start + seconds(190)));
}

TEST(emulator, sends_a_webhook_again_when_asked) {
  Emulated emulated = with(&EmulatorSettings::webhook_lost_permille);
  const std::string id = emulated.task();
  emulated.pass(seconds(10));
  EXPECT_THAT(emulated.webhooks(), IsEmpty());
  const std::string webhook_id = emulated.v1("getWebhookDetail", {{"taskId", id}})["data"]["id"];
  EXPECT_EQ(webhook_id.size(), 19U);
  const Json asked{{"webhookId", webhook_id}, {"webhookUrl", "http://other.invalid/"}};
  EXPECT_EQ(emulated.v1("retryWebhook", asked, "k2")["code"], 1);
  EXPECT_EQ(emulated.v1("retryWebhook", {{"webhookId", id}, {"webhookUrl", hook}})["code"], 1);
  EXPECT_EQ(emulated.v1("retryWebhook", asked), (Json{{"code", 0}, {"msg", "success"}, {"data", nullptr}}));
  const auto calls = emulated.webhooks();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].url, "http://other.invalid/");
  emulated.provider.record_webhook(calls[0].number, 204, "", emulated.now);
  EXPECT_EQ(emulated.v1("getWebhookDetail", {{"taskId", id}})["data"]["callbackStatus"], "SUCCESS");
}

TEST(emulator, writes_times_as_the_provider_does) {
  EXPECT_EQ(provider_time(Instant{0}), "1970-01-01 00:00:00");
  EXPECT_EQ(provider_time(Instant{1'709'210'096'999}), "2024-02-29 12:34:56");
}

}  // namespace
}  // namespace jobwatchdog::test
