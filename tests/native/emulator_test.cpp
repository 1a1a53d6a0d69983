// The emulated provider without a socket: its endpoints' shapes, its tasks, and every fault both on and off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "native/emulator/emulator_faults.hpp"
#include "native/emulator/emulator_http.hpp"
#include "native/emulator/emulator_shapes.hpp"

namespace jobwatchdog::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* app = "2015865378030755841";
constexpr const char* hook = "http://app.invalid/hook/0123";
constexpr Instant start{1'795'000'000'000};

const Json inputs = Json::array({{{"nodeId", "122"}, {"fieldName", "prompt"}, {"fieldValue", "a cat"}}});

/// Tasks take ten seconds, of which they are queued for two.
EmulatorSettings ten_seconds() {
  EmulatorSettings settings;
  settings.task_time_min = settings.task_time_max = seconds(10);
  return settings;
}

/// A provider, a clock, and what a client of it does.
class Emulated {
 public:
  explicit Emulated(const EmulatorSettings& settings = ten_seconds()) : provider(settings) {}

  HttpReply send(const std::string& method, const std::string& path, const std::string& body,
                 std::map<std::string, std::string> headers) {
    const std::size_t mark = path.find('?');
    const std::string query = mark == std::string::npos ? "" : path.substr(mark + 1);
    return emulator_reply(provider,
                          {method, path.substr(0, mark), query, std::move(headers), body, "127.0.0.1"}, now);
  }
  HttpReply v2_raw(const std::string& path, const Json& body, const std::string& key = "k1") {
    return send("POST", "/openapi/v2/" + path, body.dump(), {{"authorization", "Bearer " + key}});
  }
  Json v2(const std::string& path, const Json& body, const std::string& key = "k1") {
    return Json::parse(v2_raw(path, body, key).body);
  }
  Json v1(const std::string& path, Json body, const std::string& key = "k1") {
    body["apiKey"] = key;
    return Json::parse(send("POST", "/task/openapi/" + path, body.dump(), {}).body);
  }
  Json get(const std::string& path) { return Json::parse(send("GET", path, "", {}).body); }

  Json submit(const std::string& key = "k1") {
    return v2(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}, {"webhookUrl", hook}}, key);
  }
  std::string task(const std::string& key = "k1") { return submit(key)["taskId"]; }
  Json query(const std::string& task_id, const std::string& key = "k1") {
    return v2("query", {{"taskId", task_id}}, key);
  }
  std::string state(const std::string& task_id) { return query(task_id)["status"]; }
  std::vector<WebhookCall> webhooks() { return provider.take_webhooks(now, 100); }
  std::int64_t count(const std::string& name) { return get("/emulator/summary")[name]; }
  void pass(Duration time) { now = now + time; }

  EmulatedProvider provider;
  Instant now{start};
};

Emulated with(int EmulatorSettings::*fault) {
  EmulatorSettings settings = ten_seconds();
  settings.*fault = 1'000;
  return Emulated{settings};
}

// Shapes.

TEST(emulator, of_v2_runs_a_task_from_its_submit_to_its_result) {
  Emulated emulated;
  const Json submitted = emulated.submit();
  const std::string id = submitted["taskId"];
  EXPECT_EQ(id.size(), 19U);
  EXPECT_EQ(submitted["status"], "QUEUED");
  EXPECT_EQ(submitted["errorCode"], "");
  EXPECT_EQ(submitted["errorMessage"], "");
  EXPECT_TRUE(submitted["results"].is_null());
  EXPECT_EQ(Json::parse(submitted["promptTips"].get<std::string>())["node_errors"], Json::object());
  EXPECT_EQ(emulated.state(id), "QUEUED");
  emulated.pass(seconds(2));
  EXPECT_EQ(emulated.state(id), "RUNNING");
  EXPECT_TRUE(emulated.query(id)["results"].is_null());
  emulated.pass(milliseconds(7'999));
  EXPECT_EQ(emulated.state(id), "RUNNING");
  emulated.pass(milliseconds(1));
  const Json ended = emulated.query(id);
  EXPECT_EQ(ended["status"], "SUCCESS");
  EXPECT_EQ(ended["errorCode"], "");
  EXPECT_EQ(ended["failedReason"], Json::object());
  ASSERT_EQ(ended["results"].size(), 1U);
  EXPECT_EQ(ended["results"][0]["url"], "http://127.0.0.1:8799/results/" + id + ".png");
  EXPECT_EQ(ended["results"][0]["outputType"], "png");
  EXPECT_EQ(ended["usage"]["taskCostTime"], "10");
  EXPECT_TRUE(ended["usage"]["consumeCoins"].is_string());
  EXPECT_TRUE(ended["taskUsageList"].is_array());
}

TEST(emulator, of_v1_runs_a_task_from_its_submit_to_its_result) {
  Emulated emulated;
  const Json submitted = emulated.v1("ai-app/run", {{"webappId", app}, {"nodeInfoList", inputs}});
  EXPECT_EQ(submitted["code"], 0);
  EXPECT_EQ(submitted["msg"], "success");
  EXPECT_EQ(submitted["data"]["taskStatus"], "QUEUED");
  EXPECT_TRUE(submitted["data"]["netWssUrl"].is_null());
  EXPECT_TRUE(submitted["data"]["promptTips"].is_string());
  const std::string id = submitted["data"]["taskId"];
  EXPECT_EQ(emulated.v1("outputs", {{"taskId", id}}),
            (Json{{"code", 813}, {"msg", "APIKEY_TASK_IS_QUEUED"}, {"data", nullptr}}));
  EXPECT_EQ(emulated.v1("status", {{"taskId", id}}), (Json{{"code", 0}, {"msg", ""}, {"data", "QUEUED"}}));
  emulated.pass(seconds(2));
  const Json running = emulated.v1("outputs", {{"taskId", id}});
  EXPECT_EQ(running["code"], 804);
  EXPECT_EQ(running["msg"], "APIKEY_TASK_IS_RUNNING");
  EXPECT_THAT(running["data"]["netWssUrl"].get<std::string>(), StartsWith("wss://"));
  EXPECT_EQ(emulated.v1("status", {{"taskId", id}})["data"], "RUNNING");
  emulated.pass(seconds(8));
  const Json ended = emulated.v1("outputs", {{"taskId", id}});
  EXPECT_EQ(ended["code"], 0);
  ASSERT_EQ(ended["data"].size(), 1U);
  EXPECT_EQ(ended["data"][0]["fileUrl"], "http://127.0.0.1:8799/results/" + id + ".png");
  EXPECT_EQ(ended["data"][0]["fileType"], "png");
  EXPECT_EQ(ended["data"][0]["taskCostTime"], "10");
  EXPECT_TRUE(ended["data"][0]["consumeCoins"].is_string());
  EXPECT_EQ(emulated.v1("status", {{"taskId", id}})["data"], "SUCCESS");
}

TEST(emulator, takes_workflows_by_both_interfaces) {
  Emulated emulated;
  EXPECT_EQ(emulated.v2("run/workflow/2009191190196789249", Json::object())["errorCode"], "");
  EXPECT_EQ(emulated.v1("create", {{"workflowId", "2009191190196789249"}})["code"], 0);
  EXPECT_EQ(emulated.v1("create", {{"workflowId", "mine"}})["code"], 380);
}

TEST(emulator, tells_a_failure_in_the_words_of_each_interface) {
  Emulated emulated = with(&EmulatorSettings::task_fails_permille);
  const std::string id = emulated.task();
  emulated.pass(seconds(10));
  const Json v2 = emulated.query(id);
  EXPECT_EQ(v2["status"], "FAILED");
  EXPECT_EQ(v2["errorCode"], "1000");
  EXPECT_TRUE(v2["failedReason"]["traceback"].is_array());
  const Json v1 = emulated.v1("outputs", {{"taskId", id}});
  EXPECT_EQ(v1["code"], 805);
  EXPECT_EQ(v1["msg"], "APIKEY_TASK_STATUS_ERROR");
  EXPECT_TRUE(v1["data"]["failedReason"]["traceback"].is_string());
  EXPECT_EQ(emulated.v1("status", {{"taskId", id}})["data"], "FAILED");
}

TEST(emulator, refuses_wrong_orders_with_their_codes) {
  Emulated emulated;
  const std::string run = std::string{"run/ai-app/"} + app;
  const Json no_value = Json::array({{{"nodeId", "1"}, {"fieldName", "x"}}});
  const Json number = Json::array({{{"nodeId", 1}, {"fieldName", "x"}, {"fieldValue", "y"}}});
  EXPECT_EQ(emulated.v2("run/ai-app/mine", {{"nodeInfoList", inputs}})["errorCode"], "901");
  EXPECT_EQ(emulated.v2(run, Json::object())["errorCode"], "1101");
  EXPECT_EQ(emulated.v2(run, {{"nodeInfoList", no_value}})["errorCode"], "1101");
  EXPECT_EQ(emulated.v2(run, {{"nodeInfoList", number}})["errorCode"], "1101");
  EXPECT_EQ(emulated.v2(run, {{"nodeInfoList", inputs}, {"webhookUrl", "ftp://x"}})["errorCode"], "1001");
  EXPECT_EQ(emulated.v2(run, "text")["errorCode"], "1007");
  EXPECT_EQ(emulated.v1("ai-app/run", {{"webappId", app}, {"nodeInfoList", no_value}})["code"], 803);
  EXPECT_EQ(emulated.count("tasks_made"), 0);
}

TEST(emulator, knows_no_task_of_another_account_and_none_that_never_was) {
  Emulated emulated;
  const std::string id = emulated.task("k1");
  for (const auto& [asked, key] :
       {std::pair{id, "k2"}, std::pair{std::string{"1234567890123456789"}, "k1"}}) {
    EXPECT_EQ(emulated.query(asked, key)["errorCode"], "1004");
    for (const char* path : {"outputs", "status", "cancel"})
      EXPECT_EQ(emulated.v1(path, {{"taskId", asked}}, key),
                (Json{{"code", 807}, {"msg", "APIKEY_TASK_NOT_FOUND"}, {"data", nullptr}}));
  }
  EXPECT_EQ(emulated.v1("outputs", {{"taskId", "0"}})["msg"], "taskId must be positive");
  EXPECT_EQ(emulated.v1("outputs", Json::object())["code"], 301);
}

TEST(emulator, refuses_keys_that_it_does_not_know) {
  EmulatorSettings settings = ten_seconds();
  settings.keys = {"k1", "k2"};
  Emulated emulated{settings};
  EXPECT_EQ(emulated.submit("k2")["errorCode"], "");
  EXPECT_EQ(emulated.submit("k3")["errorCode"], "1002");
  EXPECT_EQ(emulated.v1("outputs", {{"taskId", "1"}}, "k3"),
            (Json{{"code", 802}, {"msg", "APIKEY_UNAUTHORIZED"}, {"data", nullptr}}));
  Emulated open;
  EXPECT_EQ(open.submit("anything")["errorCode"], "");
  EXPECT_EQ(open.submit("")["errorCode"], "1002");
  EXPECT_EQ(
      Json::parse(
          open.send("POST", "/openapi/v2/query", R"({"apiKey":"k1","taskId":"1"})", {}).body)["errorCode"],
      "1002");
}

TEST(emulator, has_a_code_for_a_wrong_path_and_a_wrong_method) {
  Emulated emulated;
  EXPECT_EQ(emulated.v1("output", {{"taskId", "1"}})["code"], 412);
  EXPECT_EQ(emulated.send("POST", "/nothing", "", {}).status, 404);
  EXPECT_THAT(emulated.send("GET", "/openapi/v2/query", "", {{"authorization", "Bearer k"}}).body,
              HasSubstr("\"1009\""));
}

TEST(emulator, tells_of_an_account_and_its_queue) {
  Emulated emulated;
  const auto account = [&](const char* name) {
    return Json::parse(
        emulated.send("POST", "/uc/openapi/accountStatus", Json{{name, "k1"}}.dump(), {}).body);
  };
  EXPECT_EQ(account("apikey")["data"], (Json{{"remainCoins", "177814"},
                                             {"currentTaskCounts", "0"},
                                             {"remainMoney", nullptr},
                                             {"currency", nullptr},
                                             {"apiType", "NORMAL"}}));
  EXPECT_EQ(account("apiKey")["code"], 802);  // This one wants a small k.
  emulated.task();
  emulated.pass(seconds(5));
  emulated.task();
  EXPECT_EQ(account("apikey")["data"]["currentTaskCounts"], "2");
  EXPECT_NE(account("apikey")["data"]["remainCoins"], "177814");
  const Json queue = Json::parse(
      emulated.send("GET", "/openapi/v2/queue/status", "", {{"authorization", "Bearer k1"}}).body);
  EXPECT_EQ(queue["data"], (Json{{"apiKeyType", "NORMAL"},
                                 {"concurrentLimit", 3},
                                 {"runningCount", 1},
                                 {"queuedCount", 1},
                                 {"totalCurrentTasks", 2}}));
}

std::string form(const std::vector<std::pair<std::string, std::string>>& parts) {
  std::string body;
  for (const auto& [header, content] : parts)
    body += "--b--b\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + content + "\r\n";
  return body + "--b--b--\r\n";
}

TEST(emulator, takes_uploads_by_both_interfaces) {
  Emulated emulated;
  const std::map<std::string, std::string> type{{"content-type", "multipart/form-data; boundary=b--b"}};
  const auto v1 = [&](const std::string& body) {
    return Json::parse(emulated.send("POST", "/task/openapi/upload", body, type).body);
  };
  const std::string file = "name=\"file\"; filename=\"cat.png\"";
  const Json taken =
      v1(form({{"name=\"apiKey\"", "k1"}, {file, "\x89PNG\r\n--b"}, {"name=\"fileType\"", "input"}}));
  EXPECT_EQ(taken["code"], 0);
  EXPECT_THAT(taken["data"]["fileName"].get<std::string>(), StartsWith("api/"));
  EXPECT_THAT(taken["data"]["fileName"].get<std::string>(), testing::EndsWith(".png"));
  EXPECT_EQ(taken["data"]["fileType"], "input");
  EXPECT_EQ(v1(form({{file, "x"}}))["code"], 802);
  EXPECT_EQ(v1(form({{"name=\"apiKey\"", "k1"}}))["code"], 808);
  EXPECT_EQ(v1(form({{"name=\"apiKey\"", "k1"}, {file, std::string(upload_size_max + 1, 'x')}}))["code"],
            809);
  auto headers = type;
  headers["authorization"] = "Bearer k1";
  const Json v2 = Json::parse(
      emulated.send("POST", "/openapi/v2/media/upload/binary", form({{file, "12345"}}), headers).body);
  EXPECT_EQ(v2["data"]["size"], "5");
  EXPECT_THAT(v2["data"]["fileName"].get<std::string>(), StartsWith("openapi/"));
  EXPECT_THAT(v2["data"]["download_url"].get<std::string>(), StartsWith("http://127.0.0.1:8799/"));
  EXPECT_EQ(v1("--b--b\r\nContent-Disposition: form-data; name=\"apiKey\"")["code"], 802);  // Cut.
}

TEST(emulator, shows_the_picture_of_a_task_that_succeeded_and_of_no_other) {
  Emulated emulated;
  const std::string id = emulated.task();
  const std::string path = "/results/" + id + ".png";
  EXPECT_EQ(emulated.send("GET", path, "", {}).status, 404);
  emulated.pass(seconds(10));
  const HttpReply reply = emulated.send("GET", path, "", {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.headers.at("Content-Type"), "image/png");
  EXPECT_THAT(reply.body, StartsWith("\x89PNG\r\n\x1a\n"));
  EXPECT_THAT(reply.body, HasSubstr("IEND"));
  EXPECT_EQ(emulated.send("GET", "/results/1.png", "", {}).status, 404);
}

// Capacity and cancel.

TEST(emulator, runs_so_many_tasks_of_a_key_at_once_and_refuses_the_next) {
  Emulated emulated;
  std::string last;
  for (int i = 0; i < 3; ++i) last = emulated.task();
  EXPECT_EQ(emulated.submit()["errorCode"], "421");
  EXPECT_EQ(emulated.v1("ai-app/run", {{"webappId", app}, {"nodeInfoList", inputs}}),
            (Json{{"code", 421}, {"msg", "TASK_QUEUE_MAXED"}, {"data", nullptr}}));
  EXPECT_EQ(emulated.submit("another")["errorCode"], "");
  EXPECT_EQ(emulated.v1("cancel", {{"taskId", last}})["code"], 0);
  EXPECT_EQ(emulated.submit()["errorCode"], "");
  EXPECT_EQ(emulated.submit()["errorCode"], "421");
  emulated.pass(seconds(10));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(emulated.submit()["errorCode"], "");
}

TEST(emulator, ends_a_cancelled_task_at_once_and_rings_for_it_once) {
  Emulated emulated;
  const std::string id = emulated.task();
  emulated.pass(seconds(5));
  EXPECT_EQ(emulated.v1("cancel", {{"taskId", id}}),
            (Json{{"code", 0}, {"msg", "success"}, {"data", nullptr}}));
  EXPECT_EQ(emulated.state(id), "CANCEL");
  EXPECT_EQ(emulated.v1("outputs", {{"taskId", id}})["code"], 805);
  EXPECT_EQ(emulated.webhooks().size(), 1U);
  EXPECT_EQ(emulated.v1("cancel", {{"taskId", id}})["code"], 807);
  emulated.pass(minutes(10));
  EXPECT_THAT(emulated.webhooks(), IsEmpty());
  EXPECT_EQ(emulated.state(id), "CANCEL");
}

// Webhooks.

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

// Faults, each on and off.

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

// The same again, and bounds.

/// All that can be seen of a day with everything going wrong.
std::string day(std::uint64_t seed, std::uint64_t skipped_queries) {
  EmulatorSettings settings;
  settings.seed = seed;
  settings.concurrent_tasks_max = 20;
  (void)set_faults(settings, "worst");
  Emulated emulated{settings};
  std::string seen;
  const auto see = [&](const HttpReply& reply) {
    seen += std::to_string(reply.status) + reply.body + std::to_string(reply.delay.ms) +
            (reply.hang_up ? "hung up" : "") + (reply.never_reply ? "never" : "") + "\n";
  };
  for (std::uint64_t i = 0; i < 500; ++i) {
    see(emulated.v2_raw(std::string{"run/ai-app/"} + app, {{"nodeInfoList", inputs}, {"webhookUrl", hook}}));
    for (const TaskLine& line : emulated.provider.tasks(emulated.now, 3)) {
      if (i >= skipped_queries) see(emulated.v2_raw("query", {{"taskId", line.task.task_id}}));
    }
    emulated.pass(milliseconds(700));
    for (const WebhookCall& call : emulated.webhooks()) {
      seen += call.url + call.body + "\n";
      emulated.provider.record_webhook(call.number, i % 3 == 0 ? 500 : 200, "", emulated.now);
    }
  }
  return seen + emulated.get("/emulator/tasks").dump() + emulated.get("/emulator/summary").dump();
}

TEST(emulator, gives_the_same_answers_to_the_same_requests_at_the_same_times) {
  const std::string first = day(7, 0);
  EXPECT_GT(first.size(), 100'000U);
  EXPECT_EQ(first, day(7, 0));
  EXPECT_NE(first, day(8, 0));
  EXPECT_NE(first, day(7, 1));
}

TEST(emulator, forgets_the_oldest_ended_tasks_and_never_one_that_runs) {
  EmulatorSettings settings = ten_seconds();
  settings.tasks_max = 3;
  Emulated emulated{settings};
  const std::string first = emulated.task("a");
  emulated.pass(seconds(5));
  const std::string second = emulated.task("b");
  emulated.pass(seconds(5));
  const std::string third = emulated.task("c");
  emulated.task("d");  // The first has ended and makes room.
  EXPECT_EQ(emulated.query(first, "a")["errorCode"], "1004");
  EXPECT_EQ(emulated.query(second, "b")["status"], "RUNNING");
  EXPECT_EQ(emulated.submit("e")["errorCode"], "421");  // All others run.
  emulated.pass(minutes(1));
  EXPECT_EQ(emulated.submit("e")["errorCode"], "");
  EXPECT_EQ(emulated.get("/emulator/tasks")["tasks"].size(), 3U);
  EXPECT_EQ(emulated.count("tasks_made"), 5);
  EXPECT_EQ(emulated.count("tasks_succeeded") + emulated.count("tasks_queued"), 5);
}

TEST(emulator, tells_of_its_tasks_without_telling_keys_and_secret_urls) {
  Emulated emulated;
  emulated.task("very-secret-key");
  const std::string id = emulated.task("very-secret-key");
  const Json tasks = emulated.get("/emulator/tasks?last=1")["tasks"];
  ASSERT_EQ(tasks.size(), 1U);
  EXPECT_EQ(tasks[0]["task_id"], id);
  EXPECT_EQ(tasks[0]["state"], "QUEUED");
  EXPECT_EQ(tasks[0]["webhook"]["fate"], "owed");
  EXPECT_EQ(tasks[0]["webhook"]["host"], "http://app.invalid");
  EXPECT_EQ(tasks[0]["key_fingerprint"].get<std::string>().size(), 8U);
  EXPECT_THAT(tasks.dump(), Not(HasSubstr("very-secret-key")));
  EXPECT_THAT(tasks.dump(), Not(HasSubstr("/hook")));
}

}  // namespace
}  // namespace jobwatchdog::test
