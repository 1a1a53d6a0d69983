// RunningHub's replies in every shape of v1 and v2, and in those that an enemy would send.
#include "native/provider/runninghub_reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "native/provider/evidence.hpp"

namespace jobwatchdog::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Said = Verdict::Kind;

constexpr const char* canary = "CANARY3f9a77b2";
constexpr const char* task = "2009191190196789249";
const Secret key{canary};

HttpAnswer replied(const std::string& body, int status = 200) {
  HttpAnswer answer;
  answer.kind = HttpAnswer::Kind::replied;
  answer.status = status;
  answer.body = body;
  return answer;
}

RunningHubReply read(const std::string& body, int status = 200) {
  return read_runninghub_reply(replied(body, status), task, key);
}

Verdict judged(const std::string& body, int status = 200) { return verdict_of(read(body, status)); }

Submission submitted(const std::string& body, int status = 200) {
  return submission_of(read_runninghub_reply(replied(body, status), "", key));
}

struct Shape {
  const char* what;
  std::string body;
  Said said;
};

// The samples of both interfaces, and the same facts in other spellings.
const std::vector<Shape>& shapes() {
  static const std::vector<Shape> table{
      {"v2 success", R"({"taskId":"2009191190196789249","status":"SUCCESS","errorCode":"","errorMessage":"",
        "results":[{"url":"https://a.b/o.png","outputType":"png","nodeId":"9","text":null}],"failedReason":{},
        "usage":{"consumeCoins":"7","consumeMoney":null,"taskCostTime":"32"},"taskUsageList":[]})",
       Said::succeeded},
      {"v2 failed", R"({"status":"FAILED","errorCode":"1000","errorMessage":"unknown error",
        "failedReason":{"exception_type":"TypeError","node_id":"276","node_name":"n","traceback":["..."]}})",
       Said::failed},
      {"v2 created", R"({"taskId":"2009191190196789249","status":"CREATE","results":null})",
       Said::alive_queued},
      {"v2 queued", R"({"taskId":"2009191190196789249","status":"QUEUED","errorCode":""})",
       Said::alive_queued},
      {"v2 running", R"({"taskId":"2009191190196789249","status":"RUNNING","errorCode":"","results":null})",
       Said::alive_running},
      {"v2 cancelled", R"({"taskId":"2009191190196789249","status":"CANCEL","errorCode":"","results":null})",
       Said::failed},
      {"v2 not found",
       R"({"taskId":"2009191190196789249","status":"","errorCode":"1004","errorMessage":"Task not found or expired"})",
       Said::not_found},
      {"v2 wrong key", R"({"errorCode":"1002","errorMessage":"API key invalid"})", Said::unknown},
      {"v2 of a number", R"({"taskId":2009191190196789249,"status":"RUNNING","errorCode":0})",
       Said::alive_running},
      {"v2 in snake case",
       R"({"task_id":"2009191190196789249","status":"FAILED","error_code":1000,"error_message":"x"})",
       Said::failed},
      {"v2 in an envelope",
       R"({"code":0,"msg":"success","data":{"taskId":"2009191190196789249","status":"SUCCESS","errorCode":"","results":[{"outputUrl":"https://a.b/o.png"}]}})",
       Said::succeeded},
      {"v2 results at another name",
       R"({"status":"SUCCESS","results":[{"fileUrl":"https://a.b/o.png","output":"x"}]})", Said::succeeded},
      {"v2 result as a plain address", R"({"status":"SUCCESS","results":["https://a.b/o.png"]})",
       Said::succeeded},
      {"v1 success",
       R"({"code":0,"msg":"success","data":[{"fileUrl":"https://a.b/o.png","fileType":"png","taskCostTime":"83","nodeId":"12",
        "thirdPartyConsumeMoney":null,"consumeMoney":null,"consumeCoins":"17"}]})",
       Said::succeeded},
      {"v1 success, numbers, newer rows",
       R"({"code":"0","msg":"success","errorMessages":null,"data":[{"fileUrl":"https://a.b/o.png","taskCostTime":0,
        "consumeCoins":78,"storageType":"s3","bucket":"b","objectKey":"k"}]})",
       Said::succeeded},
      {"v1 running", R"({"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":{"netWssUrl":"wss://a.b"}})",
       Said::alive_running},
      {"v1 queued", R"({"code":813,"msg":"APIKEY_TASK_IS_QUEUED","data":null})", Said::alive_queued},
      {"v1 failed",
       R"({"code":805,"msg":"APIKEY_TASK_STATUS_ERROR","data":{"failedReason":{"node_id":"276","node_name":"SONIC_PreData",
        "exception_type":"TypeError","exception_message":"...","traceback":"[\"...\"]","current_inputs":"{}"}}})",
       Said::failed},
      {"v1 code as text", R"({"code":"805","msg":"APIKEY_TASK_STATUS_ERROR"})", Said::failed},
      {"v1 invalid nodes", R"({"code":803,"msg":"APIKEY_INVALID_NODE_INFO","data":null})", Said::failed},
      {"v1 not found", R"({"code":807,"msg":"APIKEY_TASK_NOT_FOUND","data":null})", Said::not_found},
      {"v1 no such parameter", R"({"code":301,"msg":"taskId must be positive","data":null})", Said::unknown},
      {"v1 /status running", R"({"code":0,"msg":"","data":"RUNNING"})", Said::alive_running},
      {"v1 /status queued", R"({"code":0,"msg":"","data":"QUEUED"})", Said::alive_queued},
      {"v1 /status failed", R"({"code":0,"msg":"","data":"FAILED"})", Said::failed},
      {"v1 /status succeeded tells no result", R"({"code":0,"msg":"","data":"SUCCESS"})", Said::unknown},
      {"v1 success without results", R"({"code":0,"msg":"success","data":[]})", Said::unknown},
      {"v1 /outputs as a text", R"({"code":0,"data":"[{\"fileUrl\":\"https://a.b/o.png\"}]"})",
       Said::succeeded},
      {"webhook of v1",
       R"({"event":"TASK_END","taskId":"2009191190196789249","eventData":"{\"code\":0,\"msg\":\"success\",\"data\":[{\"fileUrl\":\"https://a.b/o.png\",\"taskCostTime\":0}]}"})",
       Said::succeeded},
      {"webhook of v1, failed",
       R"({"event":"TASK_END","taskId":"2009191190196789249","eventData":"{\"code\":805,\"msg\":\"APIKEY_TASK_STATUS_ERROR\"}"})",
       Said::failed},
      {"webhook of v2",
       R"({"event":"TASK_END","taskId":"2009191190196789249","eventData":{"taskId":"2009191190196789249","status":"SUCCESS","results":[{"url":"https://a.b/o.png"}]}})",
       Said::succeeded},
      {"webhook of v2 as text",
       R"({"event":"TASK_END","taskId":"2009191190196789249","eventData":"{\"status\":\"FAILED\",\"errorCode\":\"1000\"}"})",
       Said::failed},
      {"webhook of v1 as an object",
       R"({"event":"TASK_END","eventData":{"code":0,"data":[{"fileUrl":"https://a.b/o.png"}]}})",
       Said::succeeded},
  };
  return table;
}

TEST(runninghub_reply, every_shape_is_read) {
  for (const Shape& shape : shapes()) {
    const Verdict verdict = judged(shape.body);
    EXPECT_EQ(verdict.kind, shape.said) << shape.what;
    if (shape.said == Said::succeeded) {
      EXPECT_THAT(verdict.output_urls, ElementsAre("https://a.b/o.png")) << shape.what;
    }
  }
}

TEST(runninghub_reply, why_a_task_failed_is_told) {
  const Verdict verdict = judged(R"({"status":"FAILED","errorCode":"1000","errorMessage":"unknown error",
      "failedReason":{"exception_message":"no face\nfound","node_name":"LoadImage"}})");
  EXPECT_EQ(verdict.code, "1000");
  EXPECT_EQ(verdict.message, "unknown error: no face found");
  for (const char* name : {"errorMessage", "error_message", "message", "error", "msg"})
    EXPECT_EQ(judged(std::string{R"({"status":"FAILED",")"} + name + R"(":"why"})").message, "why");
}

TEST(runninghub_reply, a_text_is_a_result_and_all_addresses_are_kept) {
  for (const char* name : {"text", "content", "output"})
    EXPECT_EQ(
        judged(std::string{R"({"status":"SUCCESS","results":[{"url":null,")"} + name + R"(":"a poem"}]})")
            .message,
        "a poem");
  EXPECT_THAT(
      judged(
          R"({"status":"SUCCESS","results":[{"url":"https://a.b/1"},{"text":"t"},{"output":"https://a.b/2"}]})")
          .output_urls,
      ElementsAre("https://a.b/1", "https://a.b/2"));
}

TEST(runninghub_reply, only_addresses_of_the_web_are_results) {
  for (const char* url : {"javascript:alert(1)", "file:///etc/passwd", "//a.b/c", "https://a b/c",
                          "https://a.b/\\nX: 1", "https://a.b/<script>", ""})
    EXPECT_EQ(judged(std::string{R"({"status":"SUCCESS","results":[{"url":")"} + url + R"("}]})").kind,
              Said::unknown)
        << url;
}

TEST(runninghub_reply, a_submit_is_read_in_both_shapes) {
  for (
      const char* body : {
          R"({"taskId":"1907","status":"RUNNING","errorCode":"","errorMessage":"","results":null,"clientId":"c","promptTips":"{\"result\": true, \"error\": null, \"node_errors\": {}}"})",
          R"({"taskId":1907,"status":"QUEUED"})",
          R"({"code":0,"msg":"success","data":{"netWssUrl":"wss://a","taskId":"1907","clientId":"c","taskStatus":"RUNNING","promptTips":"{}"}})",
          R"({"code":0,"data":{"netWssUrl":null,"task_id":"1907","taskStatus":"QUEUED"}})",
      }) {
    EXPECT_EQ(submitted(body).kind, Submission::Kind::accepted) << body;
    EXPECT_EQ(submitted(body).task_id, "1907") << body;
  }
  EXPECT_EQ(submitted(R"({"code":421,"msg":"TASK_QUEUE_MAXED","data":null})").kind,
            Submission::Kind::no_capacity);
  EXPECT_EQ(
      submitted(
          R"({"taskId":"","status":"","errorCode":"421","errorMessage":"TASK_QUEUE_MAXED","results":null})")
          .kind,
      Submission::Kind::no_capacity);
  EXPECT_EQ(submitted(R"({"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":null})").kind,
            Submission::Kind::refused);
  const Submission poor = submitted(R"({"code":-7,"msg":"TASK_CREATE_FAILED_BY_NOT_ENOUGH_POWER_VALUE"})");
  EXPECT_EQ(poor.kind, Submission::Kind::refused);
  EXPECT_TRUE(poor.needs_person);
}

TEST(runninghub_reply, retry_after_is_read_and_too_many_requests_always_want_a_rest) {
  HttpAnswer answer = replied("{}", 503);
  answer.headers = {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"},
                    {"date", "Sun, 06 Nov 1994 08:49:07 GMT"}};
  EXPECT_EQ(read_runninghub_reply(answer, task, key).retry_after, seconds(30));
  EXPECT_EQ(read("{}", 503).retry_after, seconds(0));
  EXPECT_GT(read("{}", 429).retry_after, seconds(0));
  EXPECT_GT(read(R"({"errorCode":"1003"})").retry_after, seconds(0));
}

// What an enemy sends: never a crash, never an end of a task.

TEST(runninghub_reply, hostile_replies_end_no_task) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body : std::vector<std::string>{
           "",
           " ",
           "null",
           "true",
           "0",
           "\"SUCCESS\"",
           "[]",
           "{}",
           "[{\"status\":\"FAILED\"}]",
           "<html><body>502 Bad Gateway</body></html>",
           R"({"status":"FAILED")",
           R"({"status":"FAILED","errorCode":"10)",
           "{\"status\":\"FAILED\"}{",
           std::string{"{\"status\":\"FAILED\"}\0", 20},
           std::string{"{\"status\":\"FAI\0LED\"}", 19},
           "{\"status\":\"FAILED\",\"x\":\"\xff\xfe\"}",
           R"({"status":"FAILED\u0000"})",
           R"({"status":"RUNNING","status":"FAILED"})",
           R"({"status":"FAILED","status":"FAILED"})",
           R"({"code":804,"data":{"code":805}})",
           R"({"code":805,"errorCode":"804"})",
           R"({"status":"FAILED","taskStatus":"RUNNING"})",
           R"({"status":"FAILED","data":"RUNNING"})",
           R"({"status":["FAILED"]})",
           R"({"status":{"FAILED":1}})",
           R"({"status":true})",
           R"({"status":805})",
           R"({"code":805.0})",
           R"({"code":[805]})",
           R"({"code":true})",
           R"({"code":{"x":805}})",
           R"({"code":" 805"})",
           R"({"code":-805})",
           R"({"code":0,"data":[{"fileUrl":5},{"fileUrl":null},[],"x",7]})",
           R"({"status":"FAILED","x":)" + deep + "}",
           deep,
           // Of another task, wherever it says so.
           R"({"taskId":"999","status":"SUCCESS","results":[{"url":"https://a.b/o.png"}]})",
           R"({"taskId":"999","status":"FAILED"})",
           R"({"task_id":999,"code":805})",
           R"({"code":805,"data":{"taskId":"999"}})",
           R"({"taskId":"2009191190196789249","data":{"taskId":"999","status":"FAILED"}})",
           R"({"taskId":2009191190196789200,"status":"FAILED"})",
           R"({"taskId":2.009191190196789249e18,"status":"FAILED"})",
           R"({"taskId":["2009191190196789249"],"status":"FAILED"})",
           R"({"taskId":"../../x","status":"FAILED"})",
           R"({"taskId":"999","event":"TASK_END","eventData":"{\"status\":\"FAILED\"}"})",
       }) {
    for (const int status : {200, 404, 500}) {
      const Verdict verdict = judged(body, status);
      EXPECT_NE(verdict.kind, Said::failed) << status << body.substr(0, 200);
      EXPECT_NE(verdict.kind, Said::succeeded) << status << body.substr(0, 200);
    }
    EXPECT_NE(submitted(body).kind, Submission::Kind::refused) << body.substr(0, 200);
    static_cast<void>(parse_webhook(body));
    EXPECT_FALSE(read_webhook_detail(replied(body), task, key).is_known);
    EXPECT_EQ(read_uploaded_name(replied(body), key), "");
  }
}

TEST(runninghub_reply_twin, the_same_about_the_right_task_ends_it) {
  EXPECT_EQ(judged(R"({"taskId":"2009191190196789249","status":"FAILED"})").kind, Said::failed);
  EXPECT_EQ(judged(R"({"taskId":2009191190196789249,"status":"FAILED"})").kind, Said::failed);
  EXPECT_EQ(judged(R"({"code":805})").kind, Said::failed);
  EXPECT_EQ(submitted(R"({"code":803})").kind, Submission::Kind::refused);
}

TEST(runninghub_reply, the_key_is_in_nothing_that_is_read) {
  const std::string k = canary;
  const RunningHubReply reply = read(R"({"code":")" + k + R"(","msg":"x )" + k + R"(","status":")" + k +
                                     R"(","results":[{"url":"https://a.b/)" + k + R"("},{"text":")" + k +
                                     R"("}],"failedReason":{"exception_message":")" + k + R"("}})");
  EXPECT_TRUE(reply.is_readable);
  EXPECT_THAT(reply.code + reply.message + reply.status + reply.text, Not(HasSubstr(k)));
  EXPECT_THAT(reply.output_urls, IsEmpty());
  const RunningHubReply started =
      read_runninghub_reply(replied(R"({"code":0,"data":{"taskId":")" + k + R"("}})"), "", key);
  EXPECT_FALSE(started.is_readable);
  EXPECT_EQ(started.task_id, "");
  EXPECT_EQ(read_uploaded_name(replied(R"({"code":0,"data":{"fileName":")" + k + R"("}})"), key), "");
  const WebhookDetail detail = read_webhook_detail(replied(R"({"code":0,"data":{"callbackStatus":"FAILED )" +
                                                           k + R"(","callbackResponse":")" + k + R"("}})"),
                                                   task, key);
  EXPECT_THAT(detail.status + detail.response, Not(HasSubstr(k)));
}

// The smaller readings.

TEST(runninghub_reply, an_uploaded_file_has_a_name) {
  const std::string name = "api/" + std::string(64, '9') + ".png";
  EXPECT_EQ(read_uploaded_name(
                replied(R"({"code":0,"data":{"fileName":")" + name + R"(","fileType":"input"}})"), key),
            name);
  EXPECT_EQ(
      read_uploaded_name(
          replied(
              R"({"code":0,"data":{"type":"image","download_url":"https://a.b/c","fileName":"openapi/x.png","size":"7"}})"),
          key),
      "openapi/x.png");
  EXPECT_EQ(read_uploaded_name(
                replied(R"({"code":809,"msg":"APIKEY_FILE_SIZE_EXCEEDED","data":{"fileName":"x"}})"), key),
            "");
  EXPECT_EQ(read_uploaded_name(replied(R"({"code":0,"data":{"fileName":"x"}})", 500), key), "");
}

TEST(runninghub_reply, a_webhooks_fate_is_read_beside_what_it_carried) {
  const WebhookDetail detail = read_webhook_detail(
      replied(
          R"({"code":0,"msg":"success","data":{"id":"5","userApiKey":"0s2d****","taskId":"2009191190196789249",
      "webhookUrl":"https://a.b","eventData":"{\"code\":805}","callbackStatus":"FAILED","callbackResponse":"502 Bad Gateway","retryCount":3}})"),
      task, key);
  EXPECT_TRUE(detail.is_known);
  EXPECT_EQ(detail.status, "FAILED");
  EXPECT_EQ(detail.retry_count, 3);
  EXPECT_EQ(detail.response, "502 Bad Gateway");
  EXPECT_FALSE(
      read_webhook_detail(replied(R"({"code":1,"msg":"webhook event not exists"})"), task, key).is_known);
  EXPECT_FALSE(read_webhook_detail(
                   replied(R"({"code":0,"data":{"taskId":"999","callbackStatus":"SUCCESS"}})"), task, key)
                   .is_known);
}

TEST(runninghub_reply, a_webhook_tells_which_task_to_ask_about_and_no_more) {
  for (const char* body :
       {R"({"event":"TASK_END","taskId":"1904","eventData":"{\"code\":0,\"data\":[]}"})",
        R"({"event":"TASK_END","taskId":"1904","eventData":{"taskId":"1904","status":"SUCCESS"}})",
        R"({"event":"TASK_END","eventData":{"taskId":1904,"status":"FAILED"}})",
        R"({"event":"TASK_END","task_id":"1904"})",
        R"({"event":"TASK_END","eventData":"{\"taskId\":\"1904\"}"})",
        R"({"event":"TASK_END","taskId":"1904","eventData":{"status":"RUNNING","code":[7]}})"}) {
    const WebhookEvent event = parse_webhook(body);
    EXPECT_TRUE(event.is_task_end) << body;
    EXPECT_EQ(event.task_id, "1904") << body;
  }
  EXPECT_FALSE(parse_webhook(R"({"event":"TASK_BEGIN","taskId":"1904"})").is_task_end);
  EXPECT_FALSE(parse_webhook(R"({"taskId":"1904"})").is_task_end);
  EXPECT_EQ(parse_webhook(R"({"event":"TASK_END","taskId":"1904","eventData":{"taskId":"1905"}})").task_id,
            "")
      << "of two";
  EXPECT_EQ(parse_webhook("garbage").task_id, "");
  EXPECT_THAT(
      parse_webhook(R"({"event":"TASK_END","taskId":"1904","eventData":{"apiKey":"secret-of-others"}})")
          .words,
      testing::AllOf(HasSubstr("TASK_END"), Not(HasSubstr("secret-of-others"))));
}

}  // namespace
}  // namespace jobwatchdog::test
