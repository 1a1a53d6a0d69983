// The emulated provider without a socket: its endpoints' shapes, its tasks, its accounts, its bounds.
#include "tests/native/emulated.hpp"

namespace jobwatchdog::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

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
