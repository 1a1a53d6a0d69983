// What goes wrong at the emulated provider, each fault both on and off.
#include <set>

#include "tests/native/emulated.hpp"

namespace jobwatchdog::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(emulator_fault, task_fails) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::task_fails_permille) : Emulated{};
    const std::string id = emulated.task();
    emulated.pass(seconds(10));
    EXPECT_EQ(emulated.state(id), is_on ? "FAILED" : "SUCCESS");
    EXPECT_EQ(emulated.count("tasks_failed"), is_on ? 1 : 0);
  }
}

TEST(emulator_fault, task_is_forgotten) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::task_forgotten_permille) : Emulated{};
    const std::string id = emulated.task();
    emulated.pass(milliseconds(9'999));
    EXPECT_EQ(emulated.state(id), "RUNNING");
    emulated.pass(milliseconds(1));
    EXPECT_EQ(emulated.query(id)["errorCode"], is_on ? "1004" : "");
    EXPECT_EQ(emulated.v1("status", {{"taskId", id}})["code"], is_on ? 807 : 0);
  }
}

TEST(emulator_fault, task_finishes_late) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::task_finishes_late_permille) : Emulated{};
    const std::string id = emulated.task();
    emulated.pass(milliseconds(199'999));
    EXPECT_EQ(emulated.state(id), is_on ? "RUNNING" : "SUCCESS");
    emulated.pass(milliseconds(1));
    EXPECT_EQ(emulated.state(id), "SUCCESS");
  }
}

TEST(emulator_fault, cancel_is_ignored) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::cancel_ignored_permille) : Emulated{};
    const std::string id = emulated.task();
    emulated.pass(seconds(5));
    EXPECT_EQ(emulated.v1("cancel", {{"taskId", id}})["code"], 0);
    EXPECT_EQ(emulated.state(id), is_on ? "RUNNING" : "CANCEL");
    emulated.pass(seconds(5));
    EXPECT_EQ(emulated.state(id), is_on ? "SUCCESS" : "CANCEL");
    EXPECT_EQ(emulated.webhooks().size(), 1U);
  }
}

TEST(emulator_fault, submit_is_lost) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::submit_lost_permille) : Emulated{};
    const HttpReply reply = emulated.v2_raw(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}});
    EXPECT_EQ(reply.hang_up || reply.never_reply, is_on);
    EXPECT_EQ(emulated.count("tasks_made"), 1);
  }
}

TEST(emulator_fault, submit_is_refused) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::submit_refused_permille) : Emulated{};
    EXPECT_EQ(emulated.submit()["errorCode"], is_on ? "421" : "");
    EXPECT_EQ(emulated.count("tasks_made"), is_on ? 0 : 1);
  }
}

/// The replies to 40 submits by as many accounts, and how many tasks these made.
std::pair<std::vector<HttpReply>, std::int64_t> forty_submits(Emulated emulated) {
  std::vector<HttpReply> replies;
  for (int i = 0; i < 40; ++i)
    replies.push_back(emulated.v2_raw(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}},
                                      "k" + std::to_string(i)));
  return {replies, emulated.count("tasks_made")};
}

TEST(emulator_fault, reply_is_5xx_and_the_request_obeyed_or_not) {
  std::set<int> statuses;
  const auto [replies, made_count] = forty_submits(with(&EmulatorSettings::reply_5xx_permille));
  for (const HttpReply& reply : replies) {
    statuses.insert(reply.status);
    EXPECT_EQ(reply.headers.contains("Retry-After"), reply.status == 503);
  }
  EXPECT_THAT(statuses, ElementsAre(500, 502, 503, 504));
  EXPECT_GT(made_count, 5);
  EXPECT_LT(made_count, 35);
  for (const HttpReply& reply : forty_submits(Emulated{}).first) EXPECT_EQ(reply.status, 200);
}

TEST(emulator_fault, reply_is_garbage) {
  int html_count = 0;
  const auto [replies, made_count] = forty_submits(with(&EmulatorSettings::reply_garbage_permille));
  for (const HttpReply& reply : replies) {
    EXPECT_EQ(reply.status, 200);
    EXPECT_FALSE(Json::accept(reply.body)) << reply.body;
    html_count += reply.body.starts_with("<html>") ? 1 : 0;
  }
  EXPECT_GT(html_count, 5);
  EXPECT_LT(html_count, 35);
  EXPECT_EQ(made_count, 40);
  for (const HttpReply& reply : forty_submits(Emulated{}).first) EXPECT_TRUE(Json::accept(reply.body));
}

TEST(emulator_fault, reply_never_comes_or_comes_late) {
  for (const HttpReply& reply : forty_submits(with(&EmulatorSettings::reply_never_permille)).first)
    EXPECT_TRUE(reply.never_reply);
  for (const HttpReply& reply : forty_submits(with(&EmulatorSettings::reply_slow_permille)).first) {
    EXPECT_GE(reply.delay, seconds(2));
    EXPECT_LE(reply.delay, seconds(8));
  }
  for (const HttpReply& reply : forty_submits(Emulated{}).first) {
    EXPECT_FALSE(reply.never_reply);
    EXPECT_EQ(reply.delay, Duration{0});
  }
}

TEST(emulator_fault, no_reply_of_its_own_pages_goes_wrong) {
  EmulatorSettings settings = ten_seconds();
  for (const EmulatorFault& fault : emulator_faults) settings.*fault.permille = 1'000;
  Emulated emulated{settings};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(emulated.send("GET", "/emulator/summary", "", {}).status, 200);
}

TEST(emulator_fault, webhook_is_lost) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::webhook_lost_permille) : Emulated{};
    emulated.task();
    emulated.pass(minutes(10));
    EXPECT_EQ(emulated.webhooks().size(), is_on ? 0U : 1U);
    EXPECT_EQ(emulated.count("webhooks_lost"), is_on ? 1 : 0);
  }
}

TEST(emulator_fault, webhook_comes_twice) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::webhook_twice_permille) : Emulated{};
    emulated.task();
    emulated.pass(minutes(10));
    const auto calls = emulated.webhooks();
    ASSERT_EQ(calls.size(), is_on ? 2U : 1U);
    EXPECT_EQ(calls.front().body, calls.back().body);
  }
}

TEST(emulator_fault, webhook_is_late) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::webhook_late_permille) : Emulated{};
    emulated.task();
    emulated.pass(seconds(10));
    EXPECT_EQ(emulated.webhooks().size(), is_on ? 0U : 1U);
    emulated.pass(minutes(2));
    EXPECT_EQ(emulated.webhooks().size(), is_on ? 1U : 0U);
  }
}

TEST(emulator_fault, webhook_is_early) {
  for (const bool is_on : {true, false}) {
    Emulated emulated = is_on ? with(&EmulatorSettings::webhook_early_permille) : Emulated{};
    const HttpReply reply =
        emulated.v2_raw(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}, {"webhookUrl", hook}});
    EXPECT_EQ(reply.delay > Duration{0}, is_on);
    const Json submitted = Json::parse(reply.body);
    EXPECT_EQ(submitted["status"], "QUEUED");
    const auto calls = emulated.webhooks();
    ASSERT_EQ(calls.size(), is_on ? 1U : 0U);
    if (!is_on) continue;
    EXPECT_EQ(Json::parse(calls[0].body)["taskId"], submitted["taskId"]);
    EXPECT_EQ(emulated.state(submitted["taskId"]), "SUCCESS");
  }
}

TEST(emulator_fault, webhook_is_forged) {
  EmulatorSettings settings = ten_seconds();
  settings.concurrent_tasks_max = 100;
  settings.webhook_forged_permille = 1'000;
  Emulated emulated{settings};
  for (int i = 0; i < 40; ++i) emulated.task("k" + std::to_string(i % 2));
  emulated.pass(seconds(6));
  int own_count = 0;
  const auto lies = emulated.webhooks();
  ASSERT_EQ(lies.size(), 40U);
  EXPECT_EQ(emulated.count("tasks_running"), 40);
  for (const WebhookCall& lie : lies) {
    const Json event = Json::parse(lie.body);
    EXPECT_EQ(lie.url, hook);
    EXPECT_EQ(event["eventData"]["status"], "SUCCESS");
    own_count += event["taskId"] == lie.task_id ? 1 : 0;
  }
  EXPECT_GT(own_count, 5);
  EXPECT_LT(own_count, 35);
  emulated.pass(seconds(4));
  EXPECT_EQ(emulated.webhooks().size(), 40U);  // The true ones come all the same.
  Emulated honest;
  honest.task();
  honest.pass(seconds(6));
  EXPECT_THAT(honest.webhooks(), IsEmpty());
}

TEST(emulator_fault, webhook_is_misshapen) {
  EmulatorSettings settings = ten_seconds();
  settings.concurrent_tasks_max = 100;
  settings.webhook_misshapen_permille = 1'000;
  Emulated emulated{settings};
  for (int i = 0; i < 40; ++i) emulated.task();
  emulated.pass(seconds(10));
  int json_count = 0;
  for (const WebhookCall& call : emulated.webhooks()) {
    if (!Json::accept(call.body)) continue;
    ++json_count;
    EXPECT_FALSE(Json::parse(call.body).contains("taskId"));
  }
  EXPECT_GT(json_count, 3);
  EXPECT_LT(json_count, 30);
  EXPECT_EQ(emulated.count("webhooks_misshapen"), 40);
}

TEST(emulator_fault, strengths_and_shares_are_read) {
  EmulatorSettings settings;
  EXPECT_TRUE(set_faults(settings, "worst"));
  for (const EmulatorFault& fault : emulator_faults) {
    EXPECT_GT(settings.*fault.permille, 0) << fault.name;
    EXPECT_GE(fault.worst_permille, fault.mild_permille) << fault.name;
  }
  EXPECT_TRUE(set_faults(settings, "none"));
  for (const EmulatorFault& fault : emulator_faults) EXPECT_EQ(settings.*fault.permille, 0) << fault.name;
  EXPECT_FALSE(set_faults(settings, "some"));
  EXPECT_EQ(parse_permille("30%").value(), 300);
  EXPECT_EQ(parse_permille(" 0.5 %").value(), 5);
  EXPECT_EQ(parse_permille("100%").value(), 1'000);
  for (const char* wrong : {"", "30", "%", "-1%", "100.1%", "101%", "0.55%", "many%"})
    EXPECT_FALSE(parse_permille(wrong).ok()) << wrong;
}

}  // namespace
}  // namespace jobwatchdog::test
